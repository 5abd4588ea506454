import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { EdgeSpecSchema, SegmentSchema } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { describe, expect, test } from "vitest";

import { checkDesired } from "./desired.ts";

interface Wish {
  segments: MessageInitShape<typeof SegmentSchema>[];
  edges?: MessageInitShape<typeof EdgeSpecSchema>[];
}

const PEER = { name: "machine-2", underlayAddress: "192.0.2.2", address: "10.77.0.2" };
const SEGMENT = {
  name: "overlay-a",
  machine: "machine-1",
  vni: 70_000,
  address: "10.77.0.1/24",
  peers: [PEER],
};
const EDGE = {
  name: "edge-1",
  machine: "machine-1",
  port: 1,
  grpcPort: 2,
  adminPort: 3,
  publicUrl: "http://localhost:1",
  originUrl: "http://10.77.0.2:80",
};

const check = (wish: Wish) =>
  checkDesired(create(SetDesiredStateRequestSchema, { fencingToken: 1n, ...wish }), [
    "machine-1",
    "machine-2",
  ]);
const segments = (...all: object[]): Wish => ({
  segments: all.map((more) => ({ ...SEGMENT, ...more })),
});
const peer = (more: object): Wish => segments({ peers: [{ ...PEER, ...more }] });
const PEERS = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    name: `peer-${at}`,
    underlayAddress: `192.0.${at >> 8}.${at & 255}`,
    address: `10.77.${1 + (at >> 8)}.${at & 255}`,
  }));

describe("a wish for segments", () => {
  test.each<[string, Wish]>([
    ["one", segments({})],
    ["without peers", segments({ peers: [] })],
    [
      "the least and the highest VNI",
      segments({ vni: 1 }, { name: "b", vni: 16_777_214, address: "10.78.0.1/24", peers: [] }),
    ],
    [
      "IPv6 over IPv6",
      segments({
        address: "fd47::1/64",
        underlayAddress: "2001:db8::1",
        peers: [{ ...PEER, underlayAddress: "2001:db8::2", address: "fd47::2" }],
      }),
    ],
    [
      "neighbouring networks",
      segments({}, { name: "b", vni: 2, address: "10.77.1.1/24", peers: [] }),
    ],
    [
      "IPv4 beside IPv6",
      segments(
        { peers: [] },
        { name: "b", vni: 2, address: "fd47::1/64", peers: [] },
        { name: "c", vni: 3, address: "10.76.0.1/24", peers: [] },
      ),
    ],
    ["as many peers as there may be", segments({ address: "10.77.0.1/16", peers: PEERS(256) })],
    ["an edge in it", { ...segments({}), edges: [{ ...EDGE, segment: "overlay-a" }] }],
  ])("may be %s", (_, wish) => {
    expect(() => check(wish)).not.toThrow();
  });

  test.each<[string, Wish, string]>([
    [
      "a name for a shell",
      segments({ name: "a; reboot" }),
      'name of a segment: got "a; reboot", expected lower-case letters',
    ],
    [
      "another machine",
      segments({ machine: "elsewhere" }),
      'machine of overlay-a: got "elsewhere", expected machine-1 or machine-2',
    ],
    ["VNI 0", segments({ vni: 0 }), "vni of overlay-a: got 0, expected 1 to 16777214"],
    ["VNI 16777215", segments({ vni: 16_777_215 }), "vni of overlay-a: got 16777215"],
    [
      "a VNI twice",
      segments({}, { name: "b", address: "10.78.0.1/24", peers: [] }),
      "VNIs of segments: got 70000, expected each only once",
    ],
    [
      "a name twice",
      segments({}, { vni: 2, address: "10.78.0.1/24", peers: [] }),
      'names of segments: got "overlay-a"',
    ],
    [
      "an address without a prefix",
      segments({ address: "10.77.0.1" }),
      "expected an address and a prefix",
    ],
    [
      "a broken prefix",
      segments({ address: "10.77.0.1/33" }),
      'address of overlay-a: got "10.77.0.1/33"',
    ],
    [
      "a broken address",
      segments({ address: "10.77.0.256/24" }),
      "expected an address and a prefix",
    ],
    [
      "an octal address",
      segments({ address: "010.77.0.1/24" }),
      "expected an address and a prefix",
    ],
    [
      "a second line",
      segments({ address: "10.77.0.1/24\nlink delete dev eth0" }),
      "expected an address and a prefix",
    ],
    ["a zone", segments({ address: "fd47::1%eth0/64" }), "expected an address and a prefix"],
    [
      "all addresses there are",
      segments({ address: "10.77.0.1/0" }),
      "expected a prefix of 8 to 30",
    ],
    [
      "a network's own address",
      segments({ address: "10.77.0.0/24" }),
      "expected the address of a machine",
    ],
    [
      "a broadcast address",
      segments({ address: "10.77.0.255/24" }),
      "expected the address of a machine",
    ],
    ["loopback", segments({ address: "127.0.0.1/8" }), "expected no loopback address"],
    [
      "a network in another",
      segments({}, { name: "b", vni: 2, address: "10.0.0.1/8", peers: [] }),
      "a network that b (10.0.0.1/8) has no part in",
    ],
    [
      "a network in another one further on",
      segments(
        { address: "10.0.0.1/8" },
        { name: "b", vni: 2, address: "10.77.0.1/24", peers: [] },
        { name: "c", vni: 3, address: "9.0.0.1/8", peers: [] },
      ),
      "has no part in",
    ],
    ["a tiny MTU", segments({ mtu: 68 }), "mtu of overlay-a: got 68, expected 0, or 576 to 65485"],
    [
      "too narrow for IPv6",
      segments({ address: "fd47::1/64", peers: [], mtu: 1_279 }),
      "expected 0, or 1280 to",
    ],
    ["a group's MAC address", segments({ mac: "01:00:5e:00:00:01" }), "mac of overlay-a"],
    [
      "a peer outside",
      peer({ address: "10.78.0.2" }),
      'address of machine-2 in overlay-a: got "10.78.0.2", expected an address of overlay-a\'s network',
    ],
    [
      "a peer at the own address",
      peer({ address: "10.77.0.1" }),
      'addresses in overlay-a: got "10.77.0.1", expected each only once',
    ],
    [
      "a peer with the own MAC address",
      peer({ mac: "02:47:0a:4d:00:01" }),
      "MAC addresses in overlay-a",
    ],
    [
      "a peer that is nowhere",
      peer({ underlayAddress: "" }),
      'underlay_address of machine-2 in overlay-a: got "", expected an IPv4 or IPv6 address',
    ],
    [
      "a tunnel through itself",
      peer({ underlayAddress: "10.77.0.9" }),
      "expected an address outside overlay-a's network",
    ],
    ["a tunnel to all", peer({ underlayAddress: "239.1.1.1" }), "expected no multicast address"],
    [
      "two families below",
      segments({ underlayAddress: "2001:db8::1" }),
      "expected all IPv4 or all IPv6",
    ],
    [
      "a peer twice",
      segments({ peers: [PEER, { ...PEER, address: "10.77.0.3" }] }),
      "names of the peers of overlay-a",
    ],
    [
      "too many peers",
      segments({ address: "10.77.0.1/16", peers: PEERS(257) }),
      "peers of overlay-a: got 257, expected at most 256",
    ],
    [
      "too many segments",
      segments(...Array.from({ length: 1_025 }, () => ({}))),
      "segments: got 1025, expected at most 1024",
    ],
    [
      "too many peers in all",
      segments(...Array.from({ length: 65 }, () => ({ peers: PEERS(256) }))),
      "peers of all segments: got 16640, expected at most 16384",
    ],
    [
      "an edge in no segment",
      { ...segments({}), edges: [{ ...EDGE, segment: "overlay-b" }] },
      'segment of edge-1: got "overlay-b", expected the name of a segment of machine-1',
    ],
    [
      "an edge in another machine's",
      { ...segments({ machine: "machine-2" }), edges: [{ ...EDGE, segment: "overlay-a" }] },
      "segment of edge-1",
    ],
  ])("is refused for %s", (_, wish, reason) => {
    expect(() => check(wish)).toThrow(reason);
  });
});
