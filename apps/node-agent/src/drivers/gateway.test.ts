/** Sites that are stitched by gateways, on real VXLAN: A with machines 1 to 3, B with 4 and 5, and a stranger. */
import { spawn } from "node:child_process";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Machine, Underlay } from "@glassline/bench/namespaces/testing";
import { describeWithNamespaces, startUnderlay } from "@glassline/bench/namespaces/testing";
import type { SegmentDriver } from "./segment-driver.ts";
import type { Site } from "./sites.testing.ts";
import { CORE_VNI, stitchedSegment } from "./sites.testing.ts";
import { apply, countPackets, countedPackets, driverOf, linksOf } from "./vxlan.testing.ts";

let underlay: Underlay;
let machines: Machine[];
let drivers: SegmentDriver[];

beforeEach(async () => {
  underlay = await startUnderlay(6);
  machines = underlay.machines.slice(0, 5);
  drivers = machines.map((machine) => driverOf(machine));
});
afterEach(() => underlay?.[Symbol.asyncDispose]());

/** @param gateway of site A, by its number. */
function sites(gateway: number): Site[] {
  return [
    { vni: 1_001, machines: machines.slice(0, 3), gateway: machines[gateway - 1]! },
    { vni: 2_001, machines: machines.slice(3), gateway: machines[4]! },
  ];
}

async function stitch(gateway: number): Promise<void> {
  for (const [at, driver] of drivers.entries()) {
    const { segments } = await apply(driver, stitchedSegment(machines[at]!, sites(gateway)));
    expect(segments).toMatchObject([{ isUp: true, problem: "", mtu: 1_450, isPeersOnly: true }]);
  }
}

/** Packets that came out of the tunnels of a machine's site. */
const arrived = (number: number, vni: number) => machines[number - 1]!.received(`glx${vni}`);

const BROADCASTS = { broadcasts: "ip daddr 10.77.0.255" };
const broadcast = (machine: Machine, count: number) =>
  machine
    .run(..."ping -b -q -i 0.01 -W 1 10.77.0.255 -c".split(" "), String(count))
    // Nobody answers.
    .catch(() => {});

describeWithNamespaces()("stitched sites", { timeout: 120_000 }, () => {
  test("are one overlay: ping and HTTP pass, and a second pass changes nothing", async () => {
    await stitch(2);
    const [one, , , far] = machines as [Machine, Machine, Machine, Machine];
    expect(await one.reaches("10.77.0.4")).toBe(true);
    expect(await far.reaches("10.77.0.3")).toBe(true);
    expect(await machines[4]!.reaches("10.77.0.2")).toBe(true);
    const server = spawn("ip", ["netns", "exec", far.namespace, process.execPath, "-e", SERVER], {
      stdio: "ignore",
    });
    try {
      const get = `fetch("http://10.77.0.4:8080/").then(async (r) => console.log(await r.text()))`;
      const text = await vi.waitUntil(
        () => one.run(process.execPath, "-e", get).catch(() => undefined),
        { timeout: 30_000, interval: 200 },
      );
      expect(text).toBe(`${"x".repeat(200_000)}\n`);
    } finally {
      server.kill();
    }
    for (const [at, driver] of drivers.entries())
      expect(await apply(driver, stitchedSegment(machines[at]!, sites(2)))).toMatchObject({
        changes: 0,
      });
  });

  test("do not flood what is for one machine, nor send back what came in", async () => {
    await stitch(2);
    const [one] = machines as [Machine];
    await one.reaches("10.77.0.4");
    const before = await arrived(3, 1_001);
    expect(await one.reaches("10.77.0.4", "-c", "100", "-i", "0.01")).toBe(true);
    // Some are for all: of IPv6, which nobody asked for.
    expect((await arrived(3, 1_001)) - before).toBeLessThan(50);
    // What is for all reaches each machine once: nothing goes around.
    const all = machines.slice(1);
    for (const machine of all) await countPackets(machine, BROADCASTS);
    await broadcast(one, 20);
    for (const machine of all) expect(await countedPackets(machine, "broadcasts")).toBe(20);
  });

  test("let no stranger in between the gateways", async () => {
    await stitch(2);
    const [stranger, gateway] = [underlay.machines[5]!, machines[4]!];
    await stranger.ip(
      `link add vx up type vxlan id ${CORE_VNI} dstport 4789 remote ${gateway.underlay}`,
    );
    await stranger.ip("address add 10.77.0.66/24 dev vx");
    await countPackets(gateway, { intruded: "iifname gl2001 ip saddr 10.77.0.66" });
    expect(await stranger.reaches("10.77.0.4")).toBe(false);
    await broadcast(stranger, 5);
    expect(await countedPackets(gateway, "intruded")).toBe(0);
  });

  test("go on by the other gateway when it is wished, and the old one is no gateway any more", async () => {
    await stitch(2);
    await stitch(3);
    expect(await linksOf(machines[1]!)).toEqual(["gl1001", "glx1001"]);
    expect(await linksOf(machines[2]!)).toContain(`glx${CORE_VNI}`);
    expect(await machines[0]!.reaches("10.77.0.4")).toBe(true);
    expect(await machines[1]!.reaches("10.77.0.5")).toBe(true);
    // An old gateway that has not heard of it does no harm: those beyond do not listen to it.
    await apply(drivers[1]!, stitchedSegment(machines[1]!, sites(2)));
    await countPackets(machines[0]!, BROADCASTS);
    await broadcast(machines[3]!, 10);
    expect(await countedPackets(machines[0]!, "broadcasts")).toBe(10);
  });

  test("are mended by one pass, whatever somebody does to the gateway by hand", async () => {
    await stitch(2);
    const gateway = machines[1]!;
    const damage = [
      () => gateway.ip(`link delete glx${CORE_VNI}`),
      () => gateway.ip("link delete gl1001"),
      () => gateway.ip(`link set dev glx${CORE_VNI} nomaster`),
      () =>
        gateway.ip(
          `link set dev glx${CORE_VNI} type bridge_slave learning on flood on isolated off`,
        ),
      () => gateway.ip("link set dev glx1001 type bridge_slave isolated on"),
      () => gateway.bridge(`fdb delete 02:47:0a:4d:00:05 dev glx${CORE_VNI} master`),
      () => gateway.bridge("fdb replace 02:47:0a:4d:00:05 dev glx1001 master static"),
      () => gateway.bridge("fdb replace 02:47:0a:4d:00:77 dev glx1001 master static"),
    ];
    for (const [at, hit] of damage.entries()) {
      await hit();
      const wish = stitchedSegment(gateway, sites(2));
      const pass = await apply(drivers[1]!, wish);
      expect(pass.segments, `damage ${at}`).toMatchObject([{ isUp: true, problem: "" }]);
      expect(pass.changes, `damage ${at}`).toBeGreaterThan(0);
      expect(await apply(drivers[1]!, wish), `damage ${at}`).toMatchObject({ changes: 0 });
    }
    expect(await machines[0]!.reaches("10.77.0.4")).toBe(true);
  });
});

const SERVER = `require("node:http").createServer((q, r) => r.end("x".repeat(200000))).listen(8080)`;
