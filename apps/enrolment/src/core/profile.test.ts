import { hash } from "node:crypto";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { checkChannel } from "./channel-rules.ts";
import { fullChannel, oddChannel, plainChannel } from "./channels.testing.ts";
import { problemsOfProfile } from "./check-profile.ts";
import type { PlistDictionary } from "./plist.ts";
import { plistOf } from "./plist.ts";
import { readPlist } from "../plist.testing.ts";
import { profileOf } from "./profile.ts";

const sha1 = (bytes: Uint8Array) => hash("sha1", bytes, "buffer");
const material = {
  icon: { base64: "iVBORw0KGgo=" },
  rootCertificate: { base64: "MIIB" },
  sharedSecret: `s<e>c&r"e't`,
  wifiPassword: "pässwörd 🔑",
};
const watchUrl = "https://watch.example.net/watch/harbour#access_token=a.b.c";
const given = { material, watchUrl, sha1, device: "dev-1" };
const payloadsIn = (profile: PlistDictionary) => profile["PayloadContent"] as PlistDictionary[];
const payloadOf = (profile: PlistDictionary, type: string) =>
  payloadsIn(profile).find((payload) => payload["PayloadType"] === `com.apple.${type}`)!;

describe("a profile", () => {
  test("has the keys that Apple's systems expect, whatever its channel is called", () => {
    fc.assert(
      fc.property(oddChannel(), (channel) => {
        checkChannel(channel);
        const profile = profileOf({ ...given, channel });
        expect(problemsOfProfile(profile)).toEqual([]);
        expect(readPlist(plistOf(profile))).toEqual(profile);
        expect(profile["PayloadDisplayName"]).toBe(channel.title);
      }),
    );
  });

  test("has a payload for all that the channel names, and no others", () => {
    const types = (channel = fullChannel(), materials = material) =>
      payloadsIn(profileOf({ ...given, channel, material: materials })).map(
        (payload) => payload["PayloadType"],
      );
    expect(types()).toEqual([
      "com.apple.webClip.managed",
      "com.apple.security.root",
      "com.apple.dnsSettings.managed",
      "com.apple.relay.managed",
      "com.apple.vpn.managed",
      "com.apple.wifi.managed",
    ]);
    const withoutRoot = { ...material, rootCertificate: undefined };
    expect(types(plainChannel(), withoutRoot as never)).toEqual(["com.apple.webClip.managed"]);
  });

  test("redirects names of the service's domains only", () => {
    const { DNSSettings: dns } = payloadOf(
      profileOf({ ...given, channel: fullChannel() }),
      "dnsSettings.managed",
    );
    expect(dns).toEqual({
      DNSProtocol: "HTTPS",
      ServerURL: "https://dns.example.net/dns-query",
      ServerAddresses: ["192.0.2.53", "2001:db8::53"],
      SupplementalMatchDomains: ["watch.example.net"],
    });
  });

  test("says yes and no in numbers to the VPN", () => {
    const { IKEv2: ikev2 } = payloadOf(
      profileOf({ ...given, channel: fullChannel() }),
      "vpn.managed",
    ) as { IKEv2: PlistDictionary };
    expect(ikev2).toMatchObject({ OnDemandEnabled: 1, ExtendedAuthEnabled: 0, EnablePFS: 1 });
    expect(Object.values(ikev2).filter((value) => typeof value === "boolean")).toEqual([]);
  });

  test("takes the place of an earlier one of the device, and of no other", () => {
    const names = (device: string, channel = fullChannel()) => {
      const profile = profileOf({ ...given, device, channel });
      return [profile, ...payloadsIn(profile)].map((one) => ({
        identifier: one["PayloadIdentifier"],
        uuid: one["PayloadUUID"] as string,
      }));
    };
    const first = names("dev-1");
    expect(names("dev-1", { ...fullChannel(), title: "A new name" })).toEqual(first);
    const others = [...names("dev-2"), ...names("dev-1", { ...fullChannel(), tenant: "other" })];
    const uuids = [...first, ...others].map(({ uuid }) => uuid);
    expect(new Set(uuids).size).toBe(uuids.length);
    for (const uuid of uuids)
      expect(uuid).toMatch(/^[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
    expect(first[0]!.identifier).toBe("net.glassline.port.harbour");
  });
});

describe("the table of keys", () => {
  const profile = () => profileOf({ ...given, channel: fullChannel() });
  const changed = (type: string, change: PlistDictionary): PlistDictionary => ({
    ...profile(),
    PayloadContent: payloadsIn(profile()).map((payload) =>
      payload["PayloadType"] === `com.apple.${type}` ? { ...payload, ...change } : payload,
    ),
  });

  test.each([
    [{ ...profile(), PayloadContent: [] }, /at least 1/],
    [{ ...profile(), PayloadVersion: 2 }, /PayloadVersion: got 2, expected one of 1/],
    [{ ...profile(), PayloadUUID: 1 }, /PayloadUUID: got 1, expected a string/],
    [{ ...profile(), Extra: true }, /Extra: got true, expected no such key/],
    [
      changed("webClip.managed", { URL: undefined as never }),
      /URL: got nothing, expected a string/,
    ],
    [changed("webClip.managed", { FullScreen: 1 }), /FullScreen: got 1, expected a boolean/],
    [changed("wifi.managed", { EncryptionType: "WEP" }), /EncryptionType: got "WEP"/],
    [changed("relay.managed", { Relays: [{ HTTP4RelayURL: "" }] }), /HTTP4RelayURL/],
    [changed("vpn.managed", { IKEv2: { OnDemandEnabled: true } }), /OnDemandEnabled: got true/],
    [changed("wifi.managed", { PayloadType: "com.apple.mdm" }), /expected one of com\.apple/],
    [
      changed("wifi.managed", { PayloadUUID: payloadsIn(profile())[0]!["PayloadUUID"]! }),
      /the same name/,
    ],
  ])("refuses %#", (wrong, problem) => {
    expect(problemsOfProfile(wrong).join("\n")).toMatch(problem);
  });
});
