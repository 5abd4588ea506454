/** Segments as Linux' own VXLAN interfaces and bridges, set up by iproute2, guarded by nftables. */
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { admitted } from "../core/allow-list.ts";
import type { Observed, Route } from "../core/network-state.ts";
import { readForwarding, readLinks, readRoute } from "../core/network-state.ts";
import { peerProblems } from "../core/segment-mtu.ts";
import type { Plan } from "../core/segment-plan.ts";
import { planSegments } from "../core/segment-plan.ts";
import type { SegmentWish } from "../core/segment-wish.ts";
import { bridgeName, tunnelName } from "../core/segment-wish.ts";
import type { NetworkPrograms } from "./network-programs.ts";
import { guardOf } from "./segment-guard.ts";
import type { SegmentDriver, SegmentReport } from "./segment-driver.ts";

/** Processes at once. */
const PARALLEL = 4;
/** Groups of interfaces from here on are ours: "G", and the agent's mark of 24 bits. */
const GROUP = 0x47_00_00_00;

export interface LinuxVxlanOptions {
  programs: NetworkPrograms;
  /** By which this agent knows again what it made, 0 to 16777215; asked for when there is something to do. */
  mark: () => number;
  /** UDP port of VXLAN. */
  port: number;
  logger: Logger;
}

export function linuxVxlanDriver({
  programs,
  mark,
  port,
  logger,
}: LinuxVxlanOptions): SegmentDriver {
  const guard = guardOf(programs, () => `glassline_${mark().toString(16).padStart(6, "0")}`);
  /** Interfaces that need no look at their offloads any more: one that is made anew has another index. */
  let settled = new Set<number>();

  const look = async (wishes: readonly SegmentWish[]): Promise<Observed> => {
    const underlays = new Set(
      wishes.flatMap(({ peers }) => peers.map((peer) => peer.underlay.text)),
    );
    const [links, forwarding, routes] = await Promise.all([
      programs.ask("ip", ["-details", "-json", "address", "show"]),
      programs.ask("bridge", ["-json", "fdb", "show"]),
      routesTo([...underlays], programs),
    ]);
    return { links: readLinks(links), forwarding: readForwarding(forwarding), routes };
  };

  /** Wrong checksums of what is inside have cost others whole networks: the kernel counts them itself. */
  const settle = async (wishes: readonly SegmentWish[], { links }: Observed, group: string) => {
    const all = wishes
      .flatMap(({ vni }) => links.get(tunnelName(vni)) ?? [])
      .filter((link) => link.group === group);
    const open = all.filter(({ index }) => !settled.has(index));
    settled = new Set(all.map(({ index }) => index).filter((index) => settled.has(index)));
    const problems = new Map<string, string>();
    const next = open.values();
    const work = async () => {
      for (const { name, index } of next)
        try {
          const done = await programs.ethtool(["-K", name, "tx-checksum-ip-generic", "off"]);
          if (done === undefined) logger.warn({ name }, "no ethtool: checksum offload stays on");
          settled.add(index);
        } catch (error) {
          problems.set(name, messageOf(error));
        }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    return { changes: open.length, problems };
  };

  return {
    async apply(wishes, inUse) {
      const options = { group: String(GROUP + mark()), port, inUse };
      const before = await look(wishes);
      const plan = planSegments(before, wishes, options);
      // Strangers are kept out before there is a way in.
      const guarded = await guard(port, admitted(open(wishes, plan), before, options.group));
      const lines = guarded.problem === "" ? plan.lines : narrowing(plan.lines, wishes);
      const failures = await runLines(lines, programs);
      const after = lines.length > 0 ? await look(wishes) : before;
      const rest = lines.length > 0 ? planSegments(after, wishes, options) : plan;
      const again = await guard(port, admitted(open(wishes, rest), after, options.group));
      const settling = await settle(wishes, after, options.group);
      const reportOf = (wish: SegmentWish): SegmentReport => {
        const bridge = after.links.get(bridgeName(wish.vni));
        const problems = [
          rest.blocked.get(wish.name) ?? failures.get(wish.name) ?? leftOver(wish.name, rest),
          again.problem,
          settling.problems.get(tunnelName(wish.vni)) ?? "",
          ...peerProblems(wish, after),
        ];
        const isMissing = rest.lines.some(
          ({ tool, segment }) => tool === "ip" && segment === wish.name,
        );
        return {
          name: wish.name,
          isUp: !isMissing && !rest.blocked.has(wish.name),
          problem: problems.filter((problem) => problem !== "").join("; "),
          mtu: bridge?.group === options.group ? bridge.mtu : 0,
          isPeersOnly: again.isOn,
        };
      };
      return {
        segments: wishes.map(reportOf),
        leftovers: leftoversOf(rest, wishes, failures),
        changes: lines.length + guarded.changes + again.changes + settling.changes,
      };
    },
  };
}

const open = (wishes: readonly SegmentWish[], { blocked }: Plan) =>
  wishes.filter(({ name }) => !blocked.has(name));

/** What may be done without an allow-list where there shall be one: nothing that lets more in. */
function narrowing(lines: Plan["lines"], wishes: readonly SegmentWish[]) {
  const names = new Set(wishes.map(({ name }) => name));
  return lines.filter(({ segment, text }) => !names.has(segment) || text.startsWith("fdb delete"));
}

async function routesTo(underlays: readonly string[], programs: NetworkPrograms) {
  const { outputs, failures } = await programs.batch(
    "ip",
    underlays.map((address) => `route get ${address}`),
  );
  return new Map(
    underlays.map((address, at): [string, Route | { problem: string }] => {
      const problem = failures.get(at)?.replace("RTNETLINK answers: ", "");
      return [address, problem === undefined ? readRoute(outputs.get(at) ?? "") : { problem }];
    }),
  );
}

/** @returns what went wrong, by segment. */
async function runLines(
  lines: Plan["lines"],
  programs: NetworkPrograms,
): Promise<ReadonlyMap<string, string>> {
  const problems = new Map<string, string>();
  for (const tool of ["ip", "bridge"] as const) {
    const those = lines.filter((line) => line.tool === tool);
    const { failures } = await programs.batch(
      tool,
      those.map(({ text }) => text),
    );
    for (const [at, problem] of failures) {
      const { segment, text } = those[at]!;
      if (!problems.has(segment)) problems.set(segment, `${tool} ${text}: ${problem}`);
    }
  }
  return problems;
}

function leftOver(name: string, { lines }: Plan): string {
  const line = lines.find(({ segment }) => segment === name);
  return line ? `${line.tool} ${line.text}: still to be done` : "";
}

function leftoversOf(
  { lines, kept }: Plan,
  wishes: readonly SegmentWish[],
  failures: ReadonlyMap<string, string>,
) {
  const names = new Set(wishes.map(({ name }) => name));
  const others = lines.map(({ segment }) => segment).filter((segment) => !names.has(segment));
  return [...new Set([...kept, ...others])].map((name) => ({
    name,
    problem: failures.get(name) ?? "",
  }));
}
