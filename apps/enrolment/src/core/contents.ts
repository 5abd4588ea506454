/** What a profile puts on a phone, in words for whoever owns it. Pure. */
import type { Channel } from "@glassline/proto/enrolment";

export interface Content {
  what: string;
  /** What it means for the owner. */
  means: string;
}

export function contentsOf(channel: Channel, hasRootCertificate: boolean): Content[] {
  const { title, dns, relay, ikev2, wifi } = channel;
  return [
    {
      what: "A button on your Home Screen",
      means: `It opens ${title}, with a key of this device alone.`,
    },
    ...(hasRootCertificate
      ? [
          {
            what: "A certificate authority",
            means:
              "It counts only when you also turn it on: Settings, General, About, Certificate Trust Settings.",
          },
        ]
      : []),
    ...(dns
      ? [
          {
            what: "A name service",
            means: `Names of ${listed(dns.matchDomains)} are looked up at ${dns.protocol === "HTTPS" ? new URL(dns.serverUrl).host : dns.serverName}, no others.`,
          },
        ]
      : []),
    ...(relay
      ? [
          {
            what: "A relay",
            means: `Traffic with ${listed(relay.matchDomains)} goes through ${new URL(relay.http3Url || relay.http2Url).host}, no other traffic.`,
          },
        ]
      : []),
    ...(ikev2
      ? [
          {
            what: `A VPN: ${ikev2.name}`,
            means: `It connects to ${ikev2.remoteAddress} when ${listed(ikev2.matchDomains)} is asked for.`,
          },
        ]
      : []),
    ...(wifi
      ? [
          {
            what: `A Wi-Fi network: ${wifi.ssid}`,
            means: wifi.autoJoin ? "Your device joins it where it is." : "You join it yourself.",
          },
        ]
      : []),
  ];
}

const SHOWN_MAX = 3;

function listed(domains: readonly string[]): string {
  const more = domains.length - SHOWN_MAX;
  return [...domains.slice(0, SHOWN_MAX), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}
