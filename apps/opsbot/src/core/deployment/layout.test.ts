import { ContainerDriver } from "@glassline/proto/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { changesBetween } from "./changes.ts";
import type { LayoutFacts } from "./layout.ts";
import { NOTHING_KEPT, layoutOf } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { readDescription } from "./read-description.ts";

const NETWORK = { text: "fd47:1:2:3::/64", isIpv4: false };

function machine(name: string, more: Partial<Machine> = {}): [string, Machine] {
  const number = Number(name.split("-").at(-1));
  return [
    name,
    {
      name,
      agent: `agent-${number}`,
      site: "",
      underlayAddress: `192.0.2.${number}`,
      publicHost: `edge-${number}.example`,
      viewerTls: false,
      host: `192.0.2.${number}`,
      segmentRefusal: "",
      drivers: [ContainerDriver.PROCESS],
      wireguardPublicKey: "",
      firstPort: 7_600,
      lastPort: 7_699,
      ...more,
    },
  ];
}

function facts(yaml: string, more: Partial<LayoutFacts> = {}): LayoutFacts {
  return {
    description: readDescription(`channel: harbour\nsource: /live/a/index.m3u8\n${yaml}`),
    machines: new Map([1, 2, 3, 4].map((number) => machine(`machine-${number}`))),
    vnis: new Map([["", 70_000]]),
    subnet: NETWORK,
    kept: NOTHING_KEPT,
    before: undefined,
    there: [],
    takenPorts: new Map(),
    originUrl: "https://origin.example:7450",
    allowedOrigins: [],
    tokenKeys: "",
    ...more,
  };
}

describe("a layout", () => {
  test("has an edge and a segment on each machine, and each knows the others", () => {
    const { wish } = layoutOf(facts("machines: [machine-1, machine-2, machine-3]"));
    expect(wish.edges.map(({ name, machine: on }) => `${name} ${on}`)).toEqual([
      "harbour-1 machine-1",
      "harbour-2 machine-2",
      "harbour-3 machine-3",
    ]);
    expect(wish.segments.map(({ vni, address }) => `${vni} ${address}`)).toEqual([
      "70000 fd47:1:2:3::1/64",
      "70000 fd47:1:2:3::2/64",
      "70000 fd47:1:2:3::3/64",
    ]);
    expect(wish.segments[0]!.peers.map(({ underlayAddress }) => underlayAddress)).toEqual([
      "192.0.2.2",
      "192.0.2.3",
    ]);
    expect(wish.edges[0]!.peers[0]).toMatchObject({
      name: "harbour-2",
      publicUrl: "http://edge-2.example:7600",
      clusterUrl: "https://[fd47:1:2:3::2]:7603",
    });
  });

  test("lets edges fetch through the shield, which alone asks the origin", () => {
    const { wish } = layoutOf(facts("machines: [machine-1, machine-2]\nshield: machine-1"));
    const [shield, edge] = wish.edges;
    expect(shield).toMatchObject({
      name: "harbour-shield",
      originUrl: "https://origin.example:7450",
      shield: "",
    });
    expect(edge).toMatchObject({
      name: "harbour-1",
      port: 7_604,
      originUrl: "https://[fd47:1:2:3::1]:7603",
      shield: "harbour-shield",
    });
  });

  test("gives two edges of one node-agent different ports, and none that others have", () => {
    const one = [machine("machine-1"), machine("machine-2", { agent: "agent-1" })];
    const { wish } = layoutOf(
      facts("machines: [machine-1, machine-2]", {
        machines: new Map(one),
        takenPorts: new Map([["agent-1", new Set([7_602])]]),
      }),
    );
    expect(wish.edges.map(({ port }) => port)).toEqual([7_604, 7_608]);
  });

  test("gives no edge the ports of one that leaves the same node-agent and is still there", () => {
    const before = layoutOf(facts("machines: [machine-1, machine-2]")).wish;
    const there = before.edges;
    const yaml = "machines: [machine-1]\nshield: machine-2";
    const portsOf = (more: Partial<LayoutFacts>) =>
      layoutOf(facts(yaml, { before, ...more })).wish.edges.map(({ name, port }) => [name, port]);
    expect(portsOf({ there })).toEqual([
      ["harbour-shield", 7_604],
      ["harbour-1", 7_600],
    ]);
    // Once it has gone they are free.
    expect(portsOf({ there: there.slice(0, 1) })).toEqual([
      ["harbour-shield", 7_600],
      ["harbour-1", 7_600],
    ]);
  });

  test("joins two sites by one gateway each, by which everybody beyond is reached", () => {
    const machines = new Map([
      machine("machine-1", { site: "a" }),
      machine("machine-2", { site: "a" }),
      machine("machine-3", { site: "b" }),
    ]);
    const vnis = new Map([
      ["", 5_000],
      ["a", 1_001],
      ["b", 2_001],
    ]);
    const yaml =
      "machines: [machine-1, machine-2, machine-3]\noverlay: {gateways: {a: [machine-2, machine-1]}}";
    const { wish } = layoutOf(facts(yaml, { machines, vnis }));
    const of = (name: string) => wish.segments.find((segment) => segment.machine === name)!;
    expect(wish.segments.map(({ vni }) => vni)).toEqual([1_001, 1_001, 2_001]);
    expect(of("machine-1").stitches).toEqual([]);
    expect(of("machine-1").peers).toMatchObject([{ name: "machine-2", also: ["fd47:1:2:3::3"] }]);
    expect(of("machine-2").stitches).toMatchObject([
      { vni: 5_000, peers: [{ name: "machine-3", also: [] }] },
    ]);
    expect(of("machine-3").stitches).toMatchObject([
      { vni: 5_000, peers: [{ name: "machine-2", also: ["fd47:1:2:3::1"] }] },
    ]);
    const kept = { ...layoutOf(facts(yaml, { machines, vnis })).kept, away: ["machine-2"] };
    const failedOver = layoutOf(facts(yaml, { machines, vnis, kept })).wish;
    expect(failedOver.segments[0]!.stitches).toHaveLength(1);
  });

  test("gives each edge, and the shield, the cache that is described", () => {
    const yaml =
      "machines: [machine-1]\nshield: machine-2\ncache: {memory: 1GiB, disk: 8GiB, accessLog: 1%, clientRate: 50, blockingLifetime: 0s}";
    for (const edge of layoutOf(facts(yaml)).wish.edges)
      expect(edge).toMatchObject({
        storeMaxBytes: 2n ** 30n,
        diskMaxBytes: 2n ** 33n,
        accessLogShare: 0.01,
        clientRate: 50,
        blockingLifetimeMs: 0,
      });
    const [plain] = layoutOf(facts("machines: [machine-1]")).wish.edges;
    expect(plain).toMatchObject({ diskMaxBytes: 0n, accessLogShare: 0, clientRate: 0 });
    expect(plain!.blockingLifetimeMs).toBeUndefined();
  });

  test("gives a service an address of its own, by which it is found on whichever machine it is", () => {
    const yaml = "machines: [machine-1, machine-2]\noverlay: {services: {studio: machine-1}}";
    const first = layoutOf(facts(yaml));
    const address = "fd47:1:2:3::3";
    expect(first.services).toEqual([
      { name: "studio", machine: "machine-1", address: `${address}/64` },
    ]);
    expect(first.wish.segments).toMatchObject([
      { machine: "machine-1", serviceAddresses: [`${address}/64`], peers: [{ also: [] }] },
      { machine: "machine-2", serviceAddresses: [], peers: [{ also: [address] }] },
    ]);
    const substitutes = { "machine-1": "machine-3" };
    const kept = { ...first.kept, substitutes, away: ["machine-1"] };
    const moved = layoutOf(facts(yaml, { kept, before: first.wish })).wish.segments;
    expect(moved).toMatchObject([
      { machine: "machine-3", serviceAddresses: [`${address}/64`] },
      { machine: "machine-2", peers: [{ name: "machine-3", also: [address] }] },
    ]);
    const without = layoutOf(facts("machines: [machine-1, machine-2]", { kept: first.kept }));
    expect(without.kept.hosts).toEqual({ "machine-1": 1, "machine-2": 2 });
  });

  test("reaches the services of another site by its gateway", () => {
    const machines = new Map([
      machine("machine-1", { site: "a" }),
      machine("machine-2", { site: "a" }),
      machine("machine-3", { site: "b" }),
      machine("machine-4", { site: "b" }),
    ]);
    const vnis = new Map([
      ["", 5_000],
      ["a", 1_001],
      ["b", 2_001],
    ]);
    const yaml =
      "machines: [machine-1, machine-2, machine-3, machine-4]\noverlay: {services: {studio: machine-4}}";
    const { wish } = layoutOf(facts(yaml, { machines, vnis }));
    const of = (name: string) => wish.segments.find((segment) => segment.machine === name)!;
    const beyond = ["fd47:1:2:3::3", "fd47:1:2:3::4", "fd47:1:2:3::5"];
    expect(of("machine-2").peers).toMatchObject([{ name: "machine-1", also: beyond }]);
    expect(of("machine-1").stitches).toMatchObject([
      { peers: [{ name: "machine-3", also: beyond.slice(1) }] },
    ]);
    expect(of("machine-3").peers).toMatchObject([{ name: "machine-4", also: beyond.slice(2) }]);
  });

  test("keeps names, addresses and ports of what stays, whatever comes and goes", () => {
    const names = ["machine-1", "machine-2", "machine-3", "machine-4"];
    const choice = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(choice, { minLength: 2, maxLength: 6 }), (choices) => {
        let before: LayoutFacts["before"];
        let kept = NOTHING_KEPT;
        for (const machines of choices) {
          const { wish, kept: next } = layoutOf(
            facts(`machines: [${machines.join(", ")}]`, { before, kept }),
          );
          const all = new Set(wish.edges.map(({ name }) => name));
          expect(all.size).toBe(machines.length);
          for (const edge of wish.edges) {
            const was = before?.edges.find((one) => one.machine === edge.machine);
            if (was) expect(edge).toMatchObject({ name: was.name, port: was.port });
          }
          const addresses = wish.segments.map(({ address }) => address);
          expect(new Set(addresses).size).toBe(addresses.length);
          [before, kept] = [wish, next];
        }
      }),
    );
  });

  test("is the same when it is made again: nothing is to be changed", () => {
    const yaml = "machines: [machine-1, machine-2]\nshield: machine-3";
    const first = layoutOf(facts(yaml));
    const again = layoutOf(facts(yaml, { before: first.wish, kept: first.kept }));
    expect(changesBetween(first.wish, again.wish, true)).toEqual([]);
  });

  test("asks for TLS where a machine has a certificate for viewers, and shows it as a change", () => {
    const yaml = "machines: [machine-1, machine-2]";
    const { wish: before, kept } = layoutOf(facts(yaml));
    const machines = new Map([machine("machine-1", { viewerTls: true }), machine("machine-2")]);
    const { wish } = layoutOf(facts(yaml, { machines, before, kept }));
    expect(wish.edges).toMatchObject([
      { viewerTls: true, publicUrl: "https://edge-1.example:7600" },
      { viewerTls: false, peers: [{ publicUrl: "https://edge-1.example:7600" }] },
    ]);
    expect(changesBetween(before, wish, true)).toEqual([
      "~ edge harbour-1 on machine-1: public url, viewer tls",
      "~ edge harbour-2 on machine-2: peers",
    ]);
  });

  test("puts an edge whose machine is away where the channel's wish says", () => {
    const kept = {
      ...NOTHING_KEPT,
      substitutes: { "machine-2": "machine-4" },
      away: ["machine-2"],
    };
    const { wish } = layoutOf(facts("machines: [machine-1, machine-2]", { kept }));
    expect(wish.edges[1]).toMatchObject({ name: "harbour-2", machine: "machine-4" });
  });

  test.each([
    ["machines: [machine-9]", {}, "got machine-9, which no node-agent tells of"],
    [
      "machines: [machine-1]",
      { segmentRefusal: "got no CAP_NET_ADMIN" },
      "machine-1 can have no segments: got no CAP_NET_ADMIN",
    ],
    ["machines: [machine-1]", { underlayAddress: "" }, "--underlay-address"],
    ["machines: [machine-1]\ncontainer: {driver: runc}", {}, "machine-1 cannot run runc"],
    ["machines: [machine-1]\noverlay: {encrypted: true}", {}, "machine-1 has no WireGuard"],
    ["machines: [machine-1]", { lastPort: 7_602 }, "none are left for harbour-1 on machine-1"],
  ])("is refused for what machines cannot give: %s %j", (yaml, more, expected) => {
    const machines = new Map([machine("machine-1", more)]);
    expect(() => layoutOf(facts(yaml, { machines }))).toThrow(expected);
  });
});
