/** Drivers of VXLAN in the network namespaces of machines, as an agent has them. */
import type { Segment } from "@glassline/proto/node";
import { createLogger } from "@glassline/service/logger";

import { wishOf } from "../core/segment-wish.ts";
import type { LinuxVxlanOptions } from "./linux-vxlan-driver.ts";
import { linuxVxlanDriver } from "./linux-vxlan-driver.ts";
import type { Machine } from "@glassline/bench/namespaces/testing";
import type { NetworkPrograms } from "./network-programs.ts";
import { networkPrograms } from "./network-programs.ts";
import type { SegmentDriver } from "./segment-driver.ts";

export const MARK = 77;
const NOBODY: ReadonlySet<string> = new Set();

export function driverOf(
  machine: Machine,
  programs: Partial<NetworkPrograms> = {},
  more: Partial<LinuxVxlanOptions> = {},
): SegmentDriver {
  return linuxVxlanDriver({
    programs: { ...networkPrograms(machine.namespace), ...programs },
    mark: () => MARK,
    isMarked: () => true,
    port: 4_789,
    mesh: "this machine has no WireGuard",
    logger: createLogger("test", "silent"),
    ...more,
  });
}

export const apply = (driver: SegmentDriver, ...segments: Segment[]) =>
  driver.apply(segments.map(wishOf), NOBODY);

/** The agent's own. */
export const linksOf = async (machine: Machine) =>
  [...(await machine.ip("-brief link")).matchAll(/^(gl[xw]?[\da-f]+)/gm)].map(([, name]) => name!);

/** Counts packets from now on. @param rules of nft, by the counter's name: which packets. */
export async function countPackets(
  machine: Machine,
  rules: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(rules).flatMap(([name, rule]) => [
    `add counter inet seen ${name}`,
    `add rule inet seen everything ${rule} counter name ${name}`,
  ]);
  const chain = "add chain inet seen everything { type filter hook prerouting priority -400; }";
  await machine.run("nft", ["add table inet seen", chain, ...lines].join("; "));
}

export async function countedPackets(machine: Machine, name: string): Promise<number> {
  const text = await machine.run("nft", "list", "counter", "inet", "seen", name);
  return Number(/packets (\d+)/.exec(text)![1]);
}
