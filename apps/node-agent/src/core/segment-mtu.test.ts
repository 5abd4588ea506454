import { create } from "@bufbuild/protobuf";
import { SegmentSchema } from "@glassline/proto/node";
import { describe, expect, test } from "vitest";

import type { Observed, Route } from "./network-state.ts";
import { readLinks } from "./network-state.ts";
import { mtuOf } from "./segment-mtu.ts";
import { wishOf } from "./segment-wish.ts";

const wish = (more: object = {}) =>
  wishOf(
    create(SegmentSchema, {
      name: "overlay-a",
      vni: 7,
      address: "10.77.0.1/24",
      peers: [
        { name: "b", underlayAddress: "192.0.2.2", address: "10.77.0.2" },
        { name: "c", underlayAddress: "198.51.100.3", address: "10.77.0.3" },
      ],
      ...more,
    }),
  );
const route = (device: string, mtu?: number): Route => ({ device, local: "", mtu, isLocal: false });
const links = (...all: object[]) => readLinks(JSON.stringify(all));

const observed = (more: Partial<Observed> = {}): Observed => ({
  links: links(
    { ifname: "eth0", mtu: 1_500, addr_info: [{ local: "192.0.2.1", prefixlen: 24 }] },
    { ifname: "wg0", mtu: 1_420 },
  ),
  forwarding: [],
  placements: [],
  routes: new Map([
    ["192.0.2.2", route("eth0")],
    ["198.51.100.3", route("wg0")],
  ]),
  ...more,
});

describe("the MTU of a segment", () => {
  test("is what the narrowest way to a peer leaves", () => {
    expect(mtuOf(wish(), observed())).toEqual({ mtu: 1_370 });
  });

  test("heeds a route's own MTU, and IPv6's longer header", () => {
    const routes = new Map([["192.0.2.2", route("eth0", 1_300)]]);
    expect(mtuOf(wish(), observed({ routes }))).toEqual({ mtu: 1_250 });
    const peers = [{ name: "b", underlayAddress: "2001:db8::2", address: "10.77.0.2" }];
    const routes6 = new Map([["2001:db8::2", route("eth0")]]);
    expect(mtuOf(wish({ peers }), observed({ routes: routes6 }))).toEqual({ mtu: 1_430 });
  });

  test("is what is wished when it fits, and else there is none", () => {
    expect(mtuOf(wish({ mtu: 1_370 }), observed())).toEqual({ mtu: 1_370 });
    expect(mtuOf(wish({ mtu: 1_371 }), observed())).toEqual({
      problem: "mtu: got 1371, expected at most 1370: below it packets may have 1420 bytes",
    });
    const narrow = new Map([["192.0.2.2", route("eth0", 600)]]);
    expect(mtuOf(wish(), observed({ routes: narrow }))).toEqual({
      problem: "mtu of the underlay: got 600, expected at least 626",
    });
  });

  test("stays while the underlay is away, and is Ethernet's before it was ever there", () => {
    const away = { routes: new Map([["192.0.2.2", { problem: "Network is unreachable" }]]) };
    expect(mtuOf(wish(), observed(away))).toEqual({ mtu: 1_450 });
    const made = links({ ifname: "gl7", mtu: 1_370 });
    expect(mtuOf(wish(), observed({ ...away, links: made }))).toEqual({ mtu: 1_370 });
  });

  test("of a machine that waits for its peers is that of its own end", () => {
    const own = { peers: [], underlayAddress: "192.0.2.1" };
    const jumbo = links({
      ifname: "eth0",
      mtu: 9_000,
      addr_info: [{ local: "192.0.2.1", prefixlen: 24 }],
    });
    expect(mtuOf(wish(own), observed({ links: jumbo }))).toEqual({ mtu: 8_950 });
  });
});
