/** The payloads of a channel's profile: what is put on the phone. Pure. */
import type { Channel, DnsSettings, Ikev2, Relay, Wifi } from "@glassline/proto/enrolment";

import type { PlistData, PlistDictionary } from "./plist.ts";

/** What profiles of a channel need beside it, in the form in which they need it. */
export interface Material {
  /** PNG. */
  icon: PlistData;
  /** Of the edges' and pages' own certificate authority; undefined: theirs is public. */
  rootCertificate: PlistData | undefined;
  /** Of IKEv2. */
  sharedSecret: string;
  /** Of the Wi-Fi. */
  wifiPassword: string;
}

/** A payload without what all payloads have. */
export interface Payload {
  /** Within the profile: "webclip". */
  part: string;
  type: string;
  /** For people. */
  name: string;
  content: PlistDictionary;
}

/** @param watchUrl with the device's own token. */
export function payloadsOf(channel: Channel, material: Material, watchUrl: string): Payload[] {
  const { dns, relay, ikev2, wifi } = channel;
  return [
    webClip(channel, material.icon, watchUrl),
    ...(material.rootCertificate ? [rootCertificate(material.rootCertificate)] : []),
    ...(dns ? [dnsSettings(dns)] : []),
    ...(relay ? [relayOf(relay)] : []),
    ...(ikev2 ? [vpn(ikev2, material.sharedSecret)] : []),
    ...(wifi ? [wifiOf(wifi, material.wifiPassword)] : []),
  ];
}

function webClip({ title }: Channel, icon: PlistData, url: string): Payload {
  return {
    part: "webclip",
    type: "com.apple.webClip.managed",
    name: title,
    content: {
      URL: url,
      Label: title,
      Icon: icon,
      FullScreen: true,
      IsRemovable: true,
      Precomposed: true,
      IgnoreManifestScope: true,
    },
  };
}

function rootCertificate(certificate: PlistData): Payload {
  return {
    part: "root",
    type: "com.apple.security.root",
    name: "Certificate authority",
    content: { PayloadContent: certificate, PayloadCertificateFileName: "root.cer" },
  };
}

function dnsSettings(dns: DnsSettings): Payload {
  return {
    part: "dns",
    type: "com.apple.dnsSettings.managed",
    name: `DNS of ${dns.matchDomains.join(", ")}`,
    content: {
      DNSSettings: {
        DNSProtocol: dns.protocol,
        ...(dns.protocol === "HTTPS"
          ? { ServerURL: dns.serverUrl }
          : { ServerName: dns.serverName }),
        ...(dns.serverAddresses.length > 0 && { ServerAddresses: dns.serverAddresses }),
        // Without them all names of the phone would be asked there.
        SupplementalMatchDomains: dns.matchDomains,
      },
    },
  };
}

function relayOf({ http3Url, http2Url, matchDomains, excludedDomains }: Relay): Payload {
  return {
    part: "relay",
    type: "com.apple.relay.managed",
    name: "Relay",
    content: {
      Relays: [
        {
          ...(http3Url !== "" && { HTTP3RelayURL: http3Url }),
          ...(http2Url !== "" && { HTTP2RelayURL: http2Url }),
        },
      ],
      MatchDomains: matchDomains,
      ...(excludedDomains.length > 0 && { ExcludedDomains: excludedDomains }),
    },
  };
}

/** Yes and no are 1 and 0 in this payload. */
function vpn(ikev2: Ikev2, sharedSecret: string): Payload {
  const { name, remoteAddress, remoteIdentifier, localIdentifier, matchDomains } = ikev2;
  return {
    part: "vpn",
    type: "com.apple.vpn.managed",
    name,
    content: {
      VPNType: "IKEv2",
      UserDefinedName: name,
      IKEv2: {
        RemoteAddress: remoteAddress,
        RemoteIdentifier: remoteIdentifier,
        LocalIdentifier: localIdentifier,
        AuthenticationMethod: ikev2.authenticationMethod,
        SharedSecret: sharedSecret,
        ExtendedAuthEnabled: 0,
        EnablePFS: 1,
        OnDemandEnabled: 1,
        OnDemandRules: [
          {
            Action: "EvaluateConnection",
            ActionParameters: [{ Domains: matchDomains, DomainAction: "ConnectIfNeeded" }],
          },
          { Action: "Ignore" },
        ],
      },
    },
  };
}

function wifiOf({ ssid, encryption, autoJoin }: Wifi, password: string): Payload {
  return {
    part: "wifi",
    type: "com.apple.wifi.managed",
    name: `Wi-Fi ${ssid}`,
    content: {
      SSID_STR: ssid,
      HIDDEN_NETWORK: false,
      AutoJoin: autoJoin,
      EncryptionType: encryption,
      ...(encryption !== "None" && { Password: password }),
    },
  };
}
