import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { SegmentSchema } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { describe, expect, test } from "vitest";

import { checkDesired } from "./desired.ts";

type Segment = MessageInitShape<typeof SegmentSchema>;

const KEY = `${"A".repeat(42)}E=`;
const OTHER_KEY = `${"B".repeat(42)}E=`;
const PEER = { name: "machine-2", underlayAddress: "192.0.2.2", address: "10.77.0.2" };
const FAR = { name: "machine-9", underlayAddress: "192.0.2.9", address: "10.77.0.9" };
const STITCH = { vni: 5_000, peers: [FAR] };
const SEGMENT: Segment = {
  name: "overlay-a",
  machine: "machine-1",
  vni: 70_000,
  address: "10.77.0.1/24",
  peers: [PEER],
};
const OTHER: Segment = { ...SEGMENT, name: "b", vni: 2, address: "10.78.0.1/24", peers: [] };

const check = (...segments: Segment[]) =>
  checkDesired(create(SetDesiredStateRequestSchema, { fencingToken: 1n, segments }), ["machine-1"]);
const ADDRESSES = (count: number) =>
  Array.from({ length: count }, (_, at) => `10.77.${16 + (at >> 8)}.${at & 255}`);
const WIDE = { ...SEGMENT, address: "10.77.0.1/16" };

describe("a wish for services, gateways and encryption", () => {
  test.each<[string, Segment]>([
    ["a service", { ...SEGMENT, serviceAddresses: ["10.77.0.100/24", "10.77.0.101/32"] }],
    ["what is behind a peer", { ...SEGMENT, peers: [{ ...PEER, also: ["10.77.0.3"] }] }],
    ["as much behind a peer as may be", { ...WIDE, peers: [{ ...PEER, also: ADDRESSES(1_024) }] }],
    [
      "a stitch",
      { ...SEGMENT, stitches: [{ ...STITCH, peers: [{ ...FAR, also: ["10.77.0.8"] }] }] },
    ],
    ["encryption", { ...SEGMENT, encrypted: true, peers: [{ ...PEER, wireguardPublicKey: KEY }] }],
    ["a key that is not needed", { ...SEGMENT, peers: [{ ...PEER, wireguardPublicKey: "?" }] }],
  ])("may have %s", (_, segment) => {
    expect(() => check(segment)).not.toThrow();
  });

  const services = (...serviceAddresses: string[]): Segment => ({ ...SEGMENT, serviceAddresses });
  const also = (...some: string[]): Segment => ({ ...SEGMENT, peers: [{ ...PEER, also: some }] });
  const stitches = (...some: object[]): Segment => ({
    ...SEGMENT,
    stitches: some.map((more) => ({ ...STITCH, ...more })),
  });
  const encrypted = (wireguardPublicKey: string, more: object = {}): Segment => ({
    ...SEGMENT,
    encrypted: true,
    peers: [{ ...PEER, wireguardPublicKey }],
    ...more,
  });

  test.each<[string, Segment[], string]>([
    [
      "a service without a prefix",
      [services("10.77.0.100")],
      'service_addresses of overlay-a: got "10.77.0.100", expected an address and a prefix',
    ],
    [
      "a service elsewhere",
      [services("10.78.0.100/24")],
      "expected an address of overlay-a's network",
    ],
    ["a service of another width", [services("10.77.0.100/25")], "expected a prefix of 24"],
    ["a service for all", [services("10.77.0.255/24")], "expected the address of a machine"],
    ["a service at the own address", [services("10.77.0.1/24")], "expected each only once"],
    ["a service at a peer's", [services("10.77.0.2/24")], "expected each only once"],
    [
      "a service twice",
      [services("10.77.0.100/24", "10.77.0.100/32")],
      'addresses in overlay-a: got "10.77.0.100", expected each only once',
    ],
    [
      "too many services",
      [services(...Array.from({ length: 65 }, (_, at) => `10.77.0.${100 + at}/24`))],
      "service_addresses of overlay-a: got 65, expected at most 64",
    ],
    [
      "somebody behind a peer who is elsewhere",
      [also("10.78.0.3")],
      "also of machine-2 in overlay-a",
    ],
    ["somebody behind a peer twice", [also("10.77.0.3", "10.77.0.3")], "expected each only once"],
    [
      "too many behind a peer",
      [{ ...WIDE, peers: [{ ...PEER, also: ADDRESSES(1_025) }] }],
      "also of machine-2 in overlay-a: got 1025, expected at most 1024",
    ],
    [
      "too many behind all peers",
      Array.from({ length: 16 }, () => ({ ...WIDE, peers: [{ ...PEER, also: ADDRESSES(1_024) }] })),
      "peers of all segments: got 16400, expected at most 16384",
    ],
    [
      "a stitch with VNI 0",
      [stitches({ vni: 0 })],
      "vni of overlay-a's stitch 0: got 0, expected 1",
    ],
    ["a stitch with its own VNI", [stitches({ vni: 70_000 })], "VNIs of segments: got 70000"],
    ["a stitch with another's VNI", [stitches({ vni: 2 }), OTHER], "VNIs of segments: got 2,"],
    [
      "too many stitches",
      [stitches(...Array.from({ length: 5 }, (_, at) => ({ vni: 5_000 + at, peers: [] })))],
      "stitches of overlay-a: got 5, expected at most 4",
    ],
    [
      "a second gateway of the same site",
      [stitches({ peers: [{ ...FAR, underlayAddress: "192.0.2.2" }] })],
      `underlay_address of machine-9 in overlay-a's stitch 5000: got "192.0.2.2", expected the gateway of another site, not machine-2`,
    ],
    [
      "the same machine on both sides",
      [stitches({ peers: [{ ...FAR, name: "machine-2" }] })],
      "names of the peers of overlay-a",
    ],
    [
      "a gateway that is nowhere",
      [stitches({ peers: [{ ...FAR, underlayAddress: "" }] })],
      "underlay_address of machine-9 in overlay-a's stitch 5000",
    ],
    [
      "encryption without a key",
      [encrypted("")],
      'wireguard_public_key of machine-2 in overlay-a: got "", expected 32 bytes as base64',
    ],
    ["a key that is too short", [encrypted(KEY.slice(4))], "expected 32 bytes as base64"],
    [
      "a key at two places",
      [
        encrypted(KEY),
        {
          ...OTHER,
          encrypted: true,
          peers: [
            {
              ...PEER,
              address: "10.78.0.2",
              underlayAddress: "192.0.2.3",
              wireguardPublicKey: KEY,
            },
          ],
        },
      ],
      'underlay_address of machine-2 in b: got "192.0.2.3", expected 192.0.2.2, as elsewhere',
    ],
    [
      "a network that is WireGuard's",
      [{ ...SEGMENT, address: "fd47:6c77:6700::1/64", peers: [] }],
      "expected a network outside fd47:6c77:6700::/48",
    ],
  ])("is refused for %s", (_, segments, reason) => {
    expect(() => check(...segments)).toThrow(reason);
  });

  test("may have machines with keys of their own", () => {
    expect(() =>
      check(
        encrypted(KEY, {
          stitches: [{ ...STITCH, peers: [{ ...FAR, wireguardPublicKey: OTHER_KEY }] }],
        }),
      ),
    ).not.toThrow();
  });
});
