/** Segments through WireGuard, of real packets: what is on the wire is WireGuard alone. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { create } from "@bufbuild/protobuf";
import { SegmentSchema } from "@glassline/proto/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { markText } from "../core/segment-mark.ts";
import { wireGuardKey } from "../stores/wireguard-key.ts";
import type { Machine, Underlay } from "@glassline/bench/namespaces/testing";
import { describeWithNamespaces, startUnderlay } from "@glassline/bench/namespaces/testing";
import { segmentOf } from "./segment.testing.ts";
import { networkPrograms } from "./network-programs.ts";
import { apply, countPackets, countedPackets, driverOf, linksOf } from "./vxlan.testing.ts";
import { wireGuard } from "./wireguard.ts";

const PROGRAMS = ["/usr/bin/wg", "/usr/bin/wireguard-go"];
const PORT = 51_820;
/** Interfaces of `wireguard-go` have names that are unique on the machine. */
const FIRST_MARK = 0x10_00_00 + (process.pid % 0x10_00_00);

function describeWithWireGuard() {
  const missing = PROGRAMS.find((program) => !existsSync(program));
  if (missing === undefined) return describeWithNamespaces();
  if (process.env["CI"] === "true") throw new Error(`WireGuard: got no ${missing}, expected it`);
  describe.skip(`skipped: no ${missing}`, () => {});
  return describe.skip;
}

let underlay: Underlay;
let directory: string;

beforeEach(async () => {
  underlay = await startUnderlay(3);
  directory = await mkdtemp(join(tmpdir(), "glassline-wireguard-"));
});
afterEach(async () => {
  await underlay?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

function hostOf(machine: Machine, number: number) {
  const dataDir = join(directory, String(number));
  const key = wireGuardKey(dataDir);
  const mark = FIRST_MARK + number;
  const mesh = wireGuard({
    programs: networkPrograms(machine.namespace),
    key,
    name: () => `glw${markText(mark)}`,
    port: PORT,
    file: join(dataDir, "wireguard.conf"),
  });
  return { machine, key, dataDir, mesh, driver: driverOf(machine, {}, { mark: () => mark, mesh }) };
}
type Host = ReturnType<typeof hostOf>;

function wishOfHost(host: Host, hosts: readonly Host[]) {
  const segment = segmentOf(
    host.machine,
    hosts.map(({ machine }) => machine),
  );
  const peers = segment.peers.map((peer) => ({
    ...peer,
    wireguardPublicKey: hosts.find(({ machine }) => machine.underlay === peer.underlayAddress)!.key
      .publicKey,
  }));
  return create(SegmentSchema, { ...segment, peers, encrypted: true });
}

describeWithWireGuard()("encrypted segments", { timeout: 120_000 }, () => {
  test("let only WireGuard be seen on the wire, and strangers not in", async () => {
    const hosts = underlay.machines.slice(0, 2).map((machine, at) => hostOf(machine, at));
    const [one, two] = hosts as [Host, Host];
    try {
      for (const host of hosts)
        expect((await apply(host.driver, wishOfHost(host, hosts))).segments).toEqual([
          { name: "overlay-a", isUp: true, problem: "", mtu: 1_370, isPeersOnly: true },
        ]);
      const wire = `iifname eth0 udp dport`;
      await countPackets(one.machine, {
        wireguard: `${wire} ${PORT}`,
        others: `${wire} != ${PORT}`,
        more: "iifname eth0 meta l4proto { tcp, icmp }",
        intruded: "iifname gl70000 ip saddr 10.77.0.66",
      });
      expect(await one.machine.reaches("10.77.0.2")).toBe(true);
      expect(await one.machine.reaches("10.77.0.2", "-M", "do", "-s", "1342")).toBe(true);
      expect(await one.machine.reaches("10.77.0.2", "-M", "do", "-s", "1343")).toBe(false);
      expect(await countedPackets(one.machine, "wireguard")).toBeGreaterThanOrEqual(8);
      expect(await countedPackets(one.machine, "others")).toBe(0);
      expect(await countedPackets(one.machine, "more")).toBe(0);
      for (const host of hosts)
        expect(await apply(host.driver, wishOfHost(host, hosts))).toMatchObject({ changes: 0 });
      // Who sends as a peer, but not through WireGuard, is a stranger.
      const stranger = underlay.machines[2]!;
      await strangerAs(stranger, two, one);
      await stranger.reaches("10.77.0.1");
      expect(await countedPackets(one.machine, "others")).toBeGreaterThan(0);
      expect(await countedPackets(one.machine, "intruded")).toBe(0);
      // What somebody ends is there again after a pass, and goes when nobody wishes it.
      await one.machine.ip(`link delete ${one.mesh.name()}`);
      const again = await apply(one.driver, wishOfHost(one, hosts));
      expect(again.segments).toMatchObject([{ isUp: true, problem: "" }]);
      expect(await one.machine.reaches("10.77.0.2", "-c", "30")).toBe(true);
      await apply(one.driver);
      expect(await linksOf(one.machine)).toEqual([]);
    } finally {
      for (const { driver } of hosts) await apply(driver);
    }
  });

  test("keep their key for themselves", async () => {
    const host = hostOf(underlay.machines[0]!, 1);
    const file = join(host.dataDir, "wireguard.key");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(wireGuardKey(host.dataDir)).toEqual(host.key);
    expect((await readFile(file, "utf8")).trim()).toBe(host.key.privateKey);
    expect(host.key.publicKey).not.toBe(host.key.privateKey);
  });
});

describeWithNamespaces()("a machine without WireGuard", { timeout: 60_000 }, () => {
  test("says so, and makes no open segment in its place", async () => {
    const [one, two] = underlay.machines as [Machine, Machine];
    const wish = segmentOf(one, [one, two]);
    wish.encrypted = true;
    const lacking = driverOf(one, {}, { mesh: "got no program" });
    const { segments } = await apply(lacking, wish);
    expect(segments).toMatchObject([{ isUp: false, problem: "encrypted: got no program" }]);
    expect(await linksOf(one)).toEqual([]);
    // Nor does one that was open stay so.
    await apply(lacking, segmentOf(one, [one, two]));
    expect(await linksOf(one)).toEqual(["gl70000", "glx70000"]);
    await apply(lacking, wish);
    expect(await linksOf(one)).toEqual(["gl70000"]);
  });
});

/** It has the address of a peer in the mesh, and a way to the other one by the bare underlay. */
async function strangerAs(stranger: Machine, peer: Host, target: Host): Promise<void> {
  const addressOf = async ({ machine, mesh }: Host) =>
    /inet6 (fd47\S+)\/48/.exec(await machine.ip(`address show dev ${mesh.name()}`))![1]!;
  const [source, destination] = [await addressOf(peer), await addressOf(target)];
  await stranger.ip(`address add ${source}/128 dev eth0 nodad`);
  await stranger.ip(`route add ${destination}/128 via ${target.machine.underlay6}`);
  await stranger.ip(
    `link add vx up type vxlan id 70000 dstport 4789 local ${source} remote ${destination}`,
  );
  await stranger.ip("address add 10.77.0.66/24 dev vx");
}
