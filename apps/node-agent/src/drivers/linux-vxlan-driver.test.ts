/** Segments of the kernel: machines are network namespaces, packets are real. */
import { create } from "@bufbuild/protobuf";
import { SegmentSchema } from "@glassline/proto/node";
import { seededRandom } from "@glassline/service/random";
import { afterEach, beforeEach, expect, test } from "vitest";

import { wishOf } from "../core/segment-wish.ts";
import type { Machine, Underlay } from "@glassline/bench/namespaces/testing";
import { describeWithNamespaces, startUnderlay } from "@glassline/bench/namespaces/testing";
import { segmentOf } from "./segment.testing.ts";
import type { SegmentDriver } from "./segment-driver.ts";
import { MARK, apply, driverOf, linksOf } from "./vxlan.testing.ts";

const TABLE = "glassline_00004d";
const GROUP = 0x47_00_00_00 + MARK;

let underlay: Underlay;
let all: readonly Machine[];
let one: Machine;
let two: Machine;
let three: Machine;
let stranger: Machine;

/** All three in one overlay, and it works. */
async function joinAll(): Promise<SegmentDriver[]> {
  const drivers = all.map((machine) => driverOf(machine));
  for (const [at, driver] of drivers.entries()) {
    const { segments } = await apply(driver, segmentOf(all[at]!, all));
    expect(segments).toEqual([
      { name: "overlay-a", isUp: true, problem: "", mtu: 1_450, isPeersOnly: true },
    ]);
  }
  return drivers;
}

const hasTable = async (machine: Machine) =>
  (await machine.run("nft", "list", "tables")).includes(TABLE);

beforeEach(async () => {
  underlay = await startUnderlay(4);
  [one, two, three, stranger] = underlay.machines as [Machine, Machine, Machine, Machine];
  all = [one, two, three];
});
afterEach(() => underlay?.[Symbol.asyncDispose]());

/** Packets of the stranger that come out of VNI 70000 on machine 1, which does not know the sender. */
async function intrude(): Promise<number> {
  const before = await intruded();
  await stranger.reaches("10.77.0.1");
  return (await intruded()) - before;
}

async function intruded(): Promise<number> {
  const counter = await one.run("nft", "list", "counter", "inet", "seen", "intruded");
  return Number(/packets (\d+)/.exec(counter)![1]);
}

async function prepareStranger(): Promise<void> {
  await stranger.ip(`link add vx up type vxlan id 70000 dstport 4789 remote ${one.underlay}`);
  await stranger.ip("address add 10.77.0.66/24 dev vx");
  await stranger.ip("neighbour add 10.77.0.1 lladdr 02:47:0a:4d:00:01 dev vx");
  const rules = [
    "add table inet seen",
    "add counter inet seen intruded",
    "add chain inet seen everything { type filter hook prerouting priority 0; }",
    "add rule inet seen everything iifname gl70000 ip saddr 10.77.0.66 counter name intruded",
  ];
  await one.run("nft", rules.join("; "));
}

describeWithNamespaces()("segments by VXLAN", { timeout: 60_000 }, () => {
  test("three machines reach each other, and a second pass changes nothing", async () => {
    const drivers = await joinAll();
    expect(await one.reaches("10.77.0.2")).toBe(true);
    expect(await three.reaches("10.77.0.1")).toBe(true);
    for (const [at, driver] of drivers.entries())
      expect(await apply(driver, segmentOf(all[at]!, all))).toMatchObject({ changes: 0 });
    expect(await one.run("ethtool", "-k", "glx70000")).toContain("tx-checksum-ip-generic: off");
  });

  test("packets are as large as the underlay lets them be, also when that becomes narrower", async () => {
    const [first, second] = await joinAll();
    const wholly = (bytes: number) => one.reaches("10.77.0.2", "-M", "do", "-s", String(bytes));
    expect(await wholly(1_422)).toBe(true);
    expect(await wholly(1_423)).toBe(false);
    for (const machine of [one, two]) await machine.ip("link set eth0 mtu 1400");
    expect((await apply(first!, segmentOf(one, all))).segments[0]).toMatchObject({ mtu: 1_350 });
    await apply(second!, segmentOf(two, all));
    expect(await wholly(1_322)).toBe(true);
    expect(await wholly(1_323)).toBe(false);
    const large = await apply(first!, segmentOf(one, all, { mtu: 1_450 }));
    expect(large.segments[0]!.problem).toBe(
      "mtu: got 1450, expected at most 1350: below it packets may have 1400 bytes",
    );
    expect((await apply(first!, segmentOf(one, all, { mtu: 1_300 }))).segments[0]).toMatchObject({
      isUp: true,
      mtu: 1_300,
    });
  });

  test("frames for one machine do not reach the others", async () => {
    await joinAll();
    await one.reaches("10.77.0.2");
    const before = await three.received("glx70000");
    expect(await one.reaches("10.77.0.2", "-c", "30", "-i", "0.01")).toBe(true);
    expect((await three.received("glx70000")) - before).toBeLessThan(10);
  });

  test("a stranger is not let in, nor a peer of another segment", async () => {
    await joinAll();
    await prepareStranger();
    expect(await intrude()).toBe(0);
    // A peer of overlay-b, and of that alone.
    const driver = driverOf(one);
    const other = segmentOf(one, [one, stranger], { name: "overlay-b", vni: 70_001, subnet: 78 });
    await apply(driver, segmentOf(one, all), other);
    expect(await intrude()).toBe(0);
    // What is not ours on this port is not ours to judge.
    await one.ip("link add vx9 up type vxlan id 9 dstport 4789 nolearning");
    await stranger.ip(`link add vx9 up type vxlan id 9 dstport 4789 remote ${one.underlay}`);
    await stranger.ip("address add 10.79.0.66/24 dev vx9");
    await stranger.reaches("10.79.0.1");
    expect(await one.received("vx9")).toBeGreaterThan(0);
  });

  test("without its allow-list a stranger would be let in, and it comes back when somebody removes it", async () => {
    const [driver] = await joinAll();
    await prepareStranger();
    await one.run("nft", "delete", "table", "inet", TABLE);
    expect(await intrude()).toBeGreaterThan(0);
    expect(await apply(driver!, segmentOf(one, all))).toMatchObject({ changes: 1 });
    expect(await intrude()).toBe(0);
    await one.run(
      "nft",
      "add",
      "element",
      "inet",
      TABLE,
      "peers4",
      `{ ${stranger.underlay} . 70000 }`,
    );
    expect(await intrude()).toBeGreaterThan(0);
    await apply(driver!, segmentOf(one, all));
    expect(await intrude()).toBe(0);
    expect(await two.reaches("10.77.0.1")).toBe(true);
  });

  test("where nftables is not there it says so; where it fails nobody is let in", async () => {
    const without = driverOf(one, { nft: () => Promise.resolve(undefined) });
    expect((await apply(without, segmentOf(one, all))).segments[0]).toMatchObject({
      isUp: true,
      isPeersOnly: false,
    });
    const broken = driverOf(two, { nft: () => Promise.reject(new Error("nft: no such table")) });
    expect((await apply(broken, segmentOf(two, all))).segments[0]).toMatchObject({
      isUp: false,
      isPeersOnly: false,
      problem: expect.stringContaining("nft: no such table") as string,
    });
    expect(await linksOf(two)).toEqual([]);
  });

  test("a peer that is wished no more reaches nobody, and one that moves is found again", async () => {
    const [first, second] = await joinAll();
    expect(await three.reaches("10.77.0.1")).toBe(true);
    await apply(first!, segmentOf(one, [one, two]));
    await apply(second!, segmentOf(two, [one, two]));
    expect(await three.reaches("10.77.0.1", "-c", "2")).toBe(false);
    expect(await one.reaches("10.77.0.2")).toBe(true);
    // Machine 2 of the overlay is now elsewhere: at the underlay address of the stranger.
    await apply(second!);
    const moved = { ...segmentOf(two, [one, two]), machine: "machine-4" };
    await apply(driverOf(stranger), create(SegmentSchema, moved));
    const wish = segmentOf(one, [one, two]);
    wish.peers[0]!.underlayAddress = stranger.underlay;
    expect((await apply(first!, wish)).segments[0]).toMatchObject({ isUp: true, problem: "" });
    expect(await one.reaches("10.77.0.2")).toBe(true);
    expect(await one.bridge("fdb show dev glx70000")).not.toContain(two.underlay);
  });

  test("another life of the agent takes over what it finds, as it is", async () => {
    await joinAll();
    const before = await one.ip("-json link show dev glx70000");
    const pass = await apply(driverOf(one), segmentOf(one, all));
    // The allow-list and the offload are set once more, to the same.
    expect(pass).toMatchObject({ changes: 2, segments: [{ isUp: true }] });
    expect(await one.ip("-json link show dev glx70000")).toBe(before);
  });

  test("what is wished no more goes, but not while an edge uses it", async () => {
    const [driver] = await joinAll();
    const other = segmentOf(one, all, { name: "overlay-b", vni: 70_001, subnet: 78 });
    const inUse = new Set(["overlay-a"]);
    const held = await driver!.apply([wishOf(other)], inUse);
    expect(held).toMatchObject({ leftovers: [{ name: "overlay-a", problem: "" }] });
    expect(await one.reaches("10.77.0.2")).toBe(true);
    // Who is kept is guarded too.
    await prepareStranger();
    expect(await intrude()).toBe(0);
    expect(await driver!.apply([wishOf(other)], inUse)).toMatchObject({ changes: 0 });
    expect(await apply(driver!, other)).toMatchObject({ leftovers: [] });
    expect(await linksOf(one)).toEqual(["gl70001", "glx70001"]);
    // What is in use does not stand in the way of what is wished in its place.
    const instead = segmentOf(one, all, { name: "overlay-c", vni: 70_002, subnet: 78 });
    const replaced = await driver!.apply([wishOf(instead)], new Set(["overlay-b"]));
    expect(replaced).toMatchObject({ leftovers: [], segments: [{ isUp: true }] });
    await apply(driver!);
    expect(await linksOf(one)).toEqual([]);
    expect(await hasTable(one)).toBe(false);
    expect(await apply(driver!)).toMatchObject({ changes: 0 });
  });

  test("what others made is not touched, and is named", async () => {
    await one.ip("link add gl70000 type bridge");
    await one.ip("link add vx1 type vxlan id 70001 dstport 4789");
    const driver = driverOf(one);
    const { segments } = await apply(
      driver,
      segmentOf(one, all),
      segmentOf(one, all, { name: "overlay-b", vni: 70_001, subnet: 78 }),
      create(SegmentSchema, {
        ...segmentOf(one, all),
        name: "overlay-c",
        vni: 3,
        address: "100.64.0.9/16",
      }),
      segmentOf(one, all, { name: "overlay-d", vni: 70_003, subnet: 80 }),
    );
    expect(segments.map(({ isUp }) => isUp)).toEqual([false, false, false, true]);
    expect(segments.map(({ problem }) => problem)).toEqual([
      expect.stringContaining("vni 70000: got interface gl70000 that somebody else made"),
      expect.stringContaining("vni 70001: got interface vx1 that somebody else made"),
      expect.stringContaining("a network that eth0 (100.64.7.1/24) has no part in"),
      "",
    ]);
    await apply(driver);
    expect(await linksOf(one)).toEqual(["gl70000"]);
    await one.ip("link delete gl70000");
    expect((await apply(driver, segmentOf(one, all))).segments[0]).toMatchObject({ isUp: true });
  });

  test("a peer that there is no way to is named, and the others go on", async () => {
    const [driver] = await joinAll();
    const wish = segmentOf(one, all);
    wish.peers[1]!.underlayAddress = "198.51.100.9";
    const { segments } = await apply(driver!, wish);
    expect(segments[0]).toMatchObject({
      isUp: true,
      mtu: 1_450,
      problem: "no way to machine-3 (198.51.100.9): Network is unreachable",
    });
    expect(await one.reaches("10.77.0.2")).toBe(true);
  });

  test("the underlay and the overlay may be IPv6", async () => {
    const wish = (machine: Machine, peer: Machine) =>
      create(SegmentSchema, {
        name: "overlay-a",
        machine: "machine-1",
        vni: 70_000,
        address: `fd77::${machine.underlay6.at(-1)}/64`,
        peers: [
          {
            name: "peer",
            underlayAddress: peer.underlay6,
            address: `fd77::${peer.underlay6.at(-1)}`,
          },
        ],
      });
    const driver = driverOf(one);
    expect((await apply(driver, wish(one, two))).segments[0]).toMatchObject({
      isUp: true,
      problem: "",
      mtu: 1_430,
    });
    await apply(driverOf(two), wish(two, one));
    expect(await one.reaches("fd77::2")).toBe(true);
    expect(await apply(driver, wish(one, two))).toMatchObject({ changes: 0 });
  });

  test("whatever somebody does to it by hand is mended by one pass", async () => {
    const [driver] = await joinAll();
    const damage = [
      () => one.ip("link delete gl70000"),
      () => one.ip("link delete glx70000"),
      () => one.ip("link set dev gl70000 down"),
      () => one.ip("link set dev glx70000 down"),
      () => one.ip("link set dev glx70000 nomaster"),
      () => one.ip("link set dev gl70000 mtu 1300"),
      () => one.ip("link set dev glx70000 mtu 1300"),
      () => one.ip("link set dev gl70000 address 02:00:00:00:00:99"),
      () => one.ip("link set dev gl70000 alias other"),
      () => one.ip("address flush dev gl70000 scope global"),
      () => one.ip("address add 10.77.0.9/24 dev gl70000"),
      () => one.bridge(`fdb delete 00:00:00:00:00:00 dev glx70000 dst ${two.underlay}`),
      () => one.bridge(`fdb append 00:00:00:00:00:00 dev glx70000 dst ${stranger.underlay}`),
      () => one.bridge(`fdb replace 02:47:0a:4d:00:02 dev glx70000 dst ${stranger.underlay}`),
      () => one.bridge(`fdb delete 02:47:0a:4d:00:02 dev glx70000`),
      () => one.ip(`link add more group ${GROUP} type bridge`),
      () => one.run("nft", "flush", "ruleset"),
    ];
    const seed = Math.floor(Math.random() * 1e9);
    const random = seededRandom(seed);
    const links = await linksOf(one);
    for (let round = 0; round < 25; round++) {
      const some = Array.from({ length: 3 }, () => Math.floor(random() * damage.length));
      // What an earlier blow has removed cannot be hit again.
      for (const at of some) await damage[at]!().catch(() => {});
      const why = `seed ${seed}, round ${round}: ${some.join(", ")}`;
      const pass = await apply(driver!, segmentOf(one, all));
      expect(pass.segments[0], why).toMatchObject({ isUp: true, problem: "", mtu: 1_450 });
      expect(await apply(driver!, segmentOf(one, all)), why).toMatchObject({ changes: 0 });
      expect((await linksOf(one)).toSorted(), why).toEqual(links.toSorted());
    }
    expect(await one.reaches("10.77.0.2")).toBe(true);
    expect(await three.reaches("10.77.0.1")).toBe(true);
  });
});
