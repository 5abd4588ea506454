import { create } from "@bufbuild/protobuf";
import type { Channel } from "@glassline/proto/enrolment";
import { ChannelSchema } from "@glassline/proto/enrolment";
import { describe, expect, test } from "vitest";

import { drawIcon } from "../icons/draw-icon.ts";
import { pngOf } from "../icons/png.ts";
import { checkChannel, linkLifetimeMs, openedBy, tokenLifetimeMs } from "./channel-rules.ts";
import { fullChannel, plainChannel } from "./channels.testing.ts";

const DAY_MS = 86_400_000;

/** The full channel with something else in one part. */
const otherwise = (change: object): Channel =>
  create(ChannelSchema, { ...fullChannel(), ...change } as never);
const inPart = (part: "dns" | "relay" | "ikev2" | "wifi", change: object): Channel =>
  otherwise({ [part]: { ...fullChannel()[part]!, ...change } });

describe("a channel", () => {
  test("may be plain or full, with an icon of its own or none", () => {
    checkChannel(plainChannel());
    checkChannel(fullChannel());
    checkChannel(otherwise({ icon: drawIcon("harbour") }));
    checkChannel(otherwise({ tenant: "" }));
  });

  test.each<[string, Channel]>([
    ["channel.name", otherwise({ name: "Har.bour" })],
    ["channel.tenant", otherwise({ tenant: "a/b" })],
    ["channel.title", otherwise({ title: " " })],
    ["channel.title", otherwise({ title: "a\nb" })],
    ["channel.title", otherwise({ title: "a\u202Eb" })],
    ["channel.title", otherwise({ title: "x".repeat(65) })],
    ["channel.description", otherwise({ description: "a\u0000b" })],
    ["channel.organization", otherwise({ organization: "\uD800" })],
    ["channel.consent", otherwise({ consent: "x".repeat(10_001) })],
    ["channel.icon", otherwise({ icon: Buffer.from("GIF89a") })],
    ["channel.icon", otherwise({ icon: drawIcon("harbour").subarray(0, 100) })],
    ["channel.icon", otherwise({ icon: pngOf(401, 1, () => [0, 0, 0]) })],
    ["channel.edges", otherwise({ edges: [] })],
    ["public_url", otherwise({ edges: [{ name: "edge-1", publicUrl: "https://a/b" }] })],
    [
      "public_url",
      otherwise({ edges: [{ name: "edge-1", publicUrl: "https://a; script-src *" }] }),
    ],
    ["names of edges", otherwise({ edges: [plainChannel().edges[0], plainChannel().edges[0]] })],
    ["channel.path", otherwise({ path: "/index.m3u8" })],
    ["channel.path", otherwise({ path: "/live/../index.m3u8" })],
    ["channel.path", otherwise({ path: "/live/cam/index.m3u8?a=b" })],
    ["channel.protected_paths", otherwise({ protectedPaths: ["/"] })],
    ["channel.protected_paths", otherwise({ protectedPaths: ["/live/cam"] })],
    ["channel.token_lifetime_ms", otherwise({ tokenLifetimeMs: BigInt(32 * DAY_MS) })],
    ["channel.link_lifetime_ms", otherwise({ linkLifetimeMs: 1n })],
    ["dns.protocol", inPart("dns", { protocol: "UDP" })],
    ["dns.server_url", inPart("dns", { serverUrl: "http://dns.example.net/" })],
    ["dns.server_name", inPart("dns", { protocol: "TLS", serverName: "" })],
    ["dns.server_addresses", inPart("dns", { serverAddresses: ["dns.example.net"] })],
    ["dns.server_addresses", inPart("dns", { serverAddresses: ["cafe"] })],
    ["dns.server_addresses", inPart("dns", { serverAddresses: ["192.0.2.256"] })],
    ["dns.server_addresses", inPart("dns", { serverAddresses: ["192.0.2.010"] })],
    ["dns.server_addresses", inPart("dns", { serverAddresses: ["2001:db8:::1"] })],
    ["dns.match_domains", inPart("dns", { matchDomains: [] })],
    ["dns.match_domains", inPart("dns", { matchDomains: ["exa mple"] })],
    ["relay", inPart("relay", { http2Url: "", http3Url: "" })],
    ["relay.match_domains", inPart("relay", { matchDomains: [] })],
    ["ikev2.remote_address", inPart("ikev2", { remoteAddress: "a b" })],
    ["ikev2.authentication_method", inPart("ikev2", { authenticationMethod: "None" })],
    ["ikev2.shared_secret_file", inPart("ikev2", { sharedSecretFile: "../token-key.jwk" })],
    ["wifi.ssid", inPart("wifi", { ssid: "🔑".repeat(9) })],
    ["wifi.encryption", inPart("wifi", { encryption: "WEP" })],
    ["wifi.password_file", inPart("wifi", { passwordFile: "/etc/shadow" })],
  ])("is refused for its %s (%#)", (what, channel) => {
    expect(() => checkChannel(channel)).toThrow(new RegExp(`${what}.*: got .*, expected `));
  });

  test("has a day for links and 30 for tokens, unless it says so", () => {
    expect([linkLifetimeMs(plainChannel()), tokenLifetimeMs(plainChannel())]).toEqual([
      DAY_MS,
      30 * DAY_MS,
    ]);
    const other = otherwise({ linkLifetimeMs: 60_000n, tokenLifetimeMs: 120_000n });
    expect([linkLifetimeMs(other), tokenLifetimeMs(other)]).toEqual([60_000, 120_000]);
  });

  test("opens its protected paths, or the folder of its playlist", () => {
    expect(openedBy(otherwise({ protectedPaths: ["/a/", "/b/"] }))).toEqual(["/a/", "/b/"]);
    expect(openedBy(otherwise({ protectedPaths: [] }))).toEqual(["/live/cam-0001/"]);
  });
});
