/** Channels for tests: a plain one, one with every gateway, and odd ones by fast-check. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { Channel } from "@glassline/proto/enrolment";
import { ChannelSchema } from "@glassline/proto/enrolment";
import fc from "fast-check";

const PLAIN: MessageInitShape<typeof ChannelSchema> = {
  name: "harbour",
  tenant: "port",
  title: "Harbour live",
  description: "The harbour, as its cameras see it.",
  organization: "Harbour Authority",
  edges: [
    { name: "edge-1", publicUrl: "http://localhost:7471" },
    { name: "edge-2", publicUrl: "http://localhost:7472" },
  ],
  path: "/live/cam-0001/index.m3u8",
  protectedPaths: ["/live/cam-0001/"],
};

export const plainChannel = (): Channel => create(ChannelSchema, PLAIN);

/** Its secrets are in the files "vpn" and "wifi". */
export const fullChannel = (): Channel =>
  create(ChannelSchema, {
    ...PLAIN,
    consent: "You agree that the harbour is loud.\nVery loud.",
    dns: {
      protocol: "HTTPS",
      serverUrl: "https://dns.example.net/dns-query",
      serverAddresses: ["192.0.2.53", "2001:db8::53"],
      matchDomains: ["watch.example.net"],
    },
    relay: {
      http3Url: "https://relay.example.net:443/masque",
      http2Url: "https://relay.example.net/masque",
      matchDomains: ["tv.example.net"],
      excludedDomains: ["www.tv.example.net"],
    },
    ikev2: {
      name: "Harbour VPN",
      remoteAddress: "vpn.example.net",
      remoteIdentifier: "vpn.example.net",
      localIdentifier: "viewers",
      authenticationMethod: "SharedSecret",
      sharedSecretFile: "vpn",
      matchDomains: ["overlay.example.net"],
    },
    wifi: { ssid: "Harbour guests", encryption: "WPA3", passwordFile: "wifi", autoJoin: true },
  });

/** What XML, JSON, phones and shells trip over. */
const ODD = [
  `"quotes" & 'apostrophes'`,
  "</string></dict>]]><!-- -->",
  "&amp;&#0;&lt;",
  "👩‍👩‍👧‍👦 🏴‍☠️",
  "ﷺ كاميرا",
  "e\u0301\u200d\ufeff",
  "${HOME} `id` %s \\n",
] as const;

/** One line that a channel or a device may be called. */
export const oddLine = (mostChars: number): fc.Arbitrary<string> =>
  fc
    .oneof(fc.constantFrom(...ODD), fc.string({ unit: "grapheme", minLength: 1 }))
    .map((text) =>
      text
        .replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]/gu, "")
        .slice(0, mostChars)
        .replace(/[\uD800-\uDBFF]$/, ""),
    )
    .filter((text) => text.trim() !== "");

export const oddChannel = (): fc.Arbitrary<Channel> =>
  fc
    .record({
      title: oddLine(64),
      description: oddLine(200),
      organization: oddLine(100),
      consent: oddLine(200),
      vpnName: oddLine(100),
      ssid: oddLine(8),
    })
    .map(({ title, description, organization, consent, vpnName, ssid }) => {
      const { ikev2, wifi, ...channel } = fullChannel();
      return create(ChannelSchema, {
        ...channel,
        title,
        description,
        organization,
        consent,
        ikev2: { ...ikev2!, name: vpnName },
        wifi: { ...wifi!, ssid },
      });
    });
