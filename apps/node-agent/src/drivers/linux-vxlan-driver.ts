/** Segments as Linux' own VXLAN interfaces and bridges, set up by iproute2, guarded by nftables. */
import type { Logger } from "@glassline/service/logger";

import { admitted } from "../core/allow-list.ts";
import type { Link, Observed, Route } from "../core/network-state.ts";
import { readForwarding, readLinks, readRoute } from "../core/network-state.ts";
import { peerProblems } from "../core/segment-mtu.ts";
import type { Line } from "../core/segment-lines.ts";
import { groupOf, markText, wasteGroupOf } from "../core/segment-mark.ts";
import type { Plan, PlanOptions } from "../core/segment-plan.ts";
import { planSegments } from "../core/segment-plan.ts";
import type { SegmentWish } from "../core/segment-wish.ts";
import { bridgeName, peersOf, tunnelName } from "../core/segment-wish.ts";
import { meshPeers, throughMesh } from "../core/wireguard.ts";
import { announcerOf } from "./announcer.ts";
import type { NetworkPrograms } from "./network-programs.ts";
import { guardOf } from "./segment-guard.ts";
import type { SegmentDriver, SegmentReport } from "./segment-driver.ts";
import type { Mesh } from "./wireguard.ts";

export interface LinuxVxlanOptions {
  programs: NetworkPrograms;
  /** By which this agent knows again what it made; asked for when there is something to do. */
  mark: () => number;
  /** Whether there is a mark already. */
  isMarked: () => boolean;
  /** UDP port of VXLAN. */
  port: number;
  /** Below encrypted segments; a text: why there is none. */
  mesh: Mesh | string;
  logger: Logger;
}

export function linuxVxlanDriver({
  programs,
  mark,
  isMarked,
  port,
  mesh,
  logger,
}: LinuxVxlanOptions): SegmentDriver {
  const meshName = () => (typeof mesh === "string" ? "" : mesh.name());
  const optionsOf = (inUse: ReadonlySet<string>, problem = ""): PlanOptions => ({
    mesh: { name: meshName(), problem },
    group: groupOf(mark()),
    wasteGroup: wasteGroupOf(mark()),
    port,
    inUse,
  });
  const guard = guardOf(programs, () => `glassline_${markText(mark())}`, meshName);
  /** Interfaces that need no look at their offloads any more: one that is made anew has another index. */
  let settled = new Set<number>();

  const announce = announcerOf(programs);

  /** Wrong checksums of what is inside have cost others whole networks: the kernel counts them itself. */
  const settle = async (wishes: readonly SegmentWish[], { links }: Observed, group: string) => {
    const all = wishes
      .flatMap(({ tunnels }) => tunnels.flatMap(({ vni }) => links.get(tunnelName(vni)) ?? []))
      .filter((link) => link.group === group);
    const open = all.filter(({ index }) => !settled.has(index));
    const problems = await programs.checksumsOff(open.map(({ name }) => name));
    if (!problems) logger.warn("neither perl nor ethtool: checksum offload stays on");
    const isSettled = ({ name, index }: Link) => settled.has(index) || !problems?.has(name);
    settled = new Set(all.filter(isSettled).map(({ index }) => index));
    return { changes: open.length, problems: problems ?? new Map<string, string>() };
  };

  /** WireGuard is there before what runs through it. */
  const prepareMesh = async (wishes: readonly SegmentWish[]) => {
    if (!wishes.some(({ isEncrypted }) => isEncrypted)) return { wishes, problem: "", changes: 0 };
    if (typeof mesh === "string") return { wishes, problem: `encrypted: ${mesh}`, changes: 0 };
    const report = await mesh.apply(meshPeers(wishes), groupOf(mark()));
    const through = wishes.map((wish) =>
      wish.isEncrypted ? throughMesh(wish, mesh.publicKey) : wish,
    );
    return { wishes: through, ...report };
  };

  /** Interfaces are there when `ip` is done: they are looked at while `bridge` works. */
  const carryOut = async (
    lines: readonly Line[],
    wishes: readonly SegmentWish[],
    announced: readonly SegmentWish[],
    before: Observed,
  ) => {
    const ofLinks = await runLines("ip", lines, programs);
    const rest = async () => {
      const ofEntries = await runLines("bridge", lines, programs);
      const silent = await announce(announced);
      const failures = new Map([...ofEntries, ...ofLinks]);
      return { failures, silent, entries: lines.length > 0 && (await lookAtEntries(programs)) };
    };
    if (lines.length === 0) return { ...(await rest()), after: before };
    const [{ failures, silent, entries }, links, routes] = await Promise.all([
      rest(),
      lookAtLinks(programs),
      routesTo(wishes, programs),
    ]);
    return { failures, silent, after: { ...before, ...entries, links, routes } };
  };

  return {
    async apply(wished, inUse) {
      const below = await prepareMesh(wished);
      const wishes = below.wishes;
      const options = optionsOf(inUse, below.problem);
      const before = await look(wishes, programs);
      const plan = planSegments(before, wishes, options);
      // Strangers are kept out before there is a way in.
      const guarded = await guard(port, admitted(open(wishes, plan), before, options.group));
      const lines = guarded.problem === "" ? plan.lines : narrowing(plan.lines, wishes);
      const announced = guarded.problem === "" ? plan.announced : [];
      const { failures, silent, after } = await carryOut(lines, wishes, announced, before);
      const rest = lines.length > 0 ? planSegments(after, wishes, options) : plan;
      const admittedNow = admitted(open(wishes, rest), after, options.group);
      const again = await guard(port, admittedNow, guarded);
      const settling = await settle(wishes, after, options.group);
      const reportOf = (wish: SegmentWish): SegmentReport => {
        const bridge = after.links.get(bridgeName(wish.vni));
        const problems = [
          rest.blocked.get(wish.name) ?? failures.get(wish.name) ?? leftOver(wish.name, rest),
          again.problem,
          silent.get(wish.name) ?? "",
          ...wish.tunnels.map(({ vni }) => settling.problems.get(tunnelName(vni)) ?? ""),
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
        foreignTunnels: foreignIn(after.links, options),
        isPartial: rest.unwanted.length > 0 && rest.unwanted.length < plan.unwanted.length,
        changes: below.changes + lines.length + guarded.changes + again.changes + settling.changes,
      };
    },
    async foreignTunnels() {
      const tunnels = await programs.ask("ip", "-details -json link show type vxlan".split(" "));
      return foreignIn(readLinks(tunnels), isMarked() ? optionsOf(new Set()) : undefined);
    },
  };
}

async function look(wishes: readonly SegmentWish[], programs: NetworkPrograms): Promise<Observed> {
  const [links, entries, routes] = await Promise.all([
    lookAtLinks(programs),
    lookAtEntries(programs),
    routesTo(wishes, programs),
  ]);
  return { links, ...entries, routes };
}

const lookAtLinks = async (programs: NetworkPrograms) =>
  readLinks(await programs.ask("ip", ["-details", "-json", "address", "show"]));
const lookAtEntries = async (programs: NetworkPrograms) =>
  readForwarding(await programs.ask("bridge", ["-json", "fdb", "show"]));

/** VXLAN interfaces of others. @param own undefined: there are none of ours. */
function foreignIn(links: Observed["links"], own: PlanOptions | undefined) {
  return [...links.values()].flatMap(({ name, vxlan, group }) =>
    vxlan && group !== own?.group && group !== own?.wasteGroup
      ? [{ vni: vxlan.vni, interface: name }]
      : [],
  );
}

const open = (wishes: readonly SegmentWish[], { blocked }: Plan) =>
  wishes.filter(({ name }) => !blocked.has(name));

/** What may be done without an allow-list where there shall be one: nothing that lets more in. */
function narrowing(lines: Plan["lines"], wishes: readonly SegmentWish[]) {
  const names = new Set(wishes.map(({ name }) => name));
  return lines.filter(({ segment, isNarrowing }) => !names.has(segment) || isNarrowing);
}

async function routesTo(wishes: readonly SegmentWish[], programs: NetworkPrograms) {
  const underlays = [...new Set(wishes.flatMap(peersOf).map(({ underlay }) => underlay.text))];
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
  tool: Line["tool"],
  lines: readonly Line[],
  programs: NetworkPrograms,
): Promise<ReadonlyMap<string, string>> {
  const problems = new Map<string, string>();
  const those = lines.filter((line) => line.tool === tool);
  const { failures } = await programs.batch(
    tool,
    those.map(({ text }) => text),
  );
  for (const [at, problem] of failures) {
    const { segment, text } = those[at]!;
    if (!problems.has(segment)) problems.set(segment, `${tool} ${text}: ${problem}`);
  }
  return problems;
}

function leftOver(name: string, { lines }: Plan): string {
  const line = lines.find(({ segment }) => segment === name);
  return line ? `${line.tool} ${line.text}: still to be done` : "";
}

function leftoversOf(
  { unwanted, kept }: Plan,
  wishes: readonly SegmentWish[],
  failures: ReadonlyMap<string, string>,
) {
  const names = new Set(wishes.map(({ name }) => name));
  const others = unwanted.filter((segment) => !names.has(segment));
  return [...new Set([...kept, ...others])].map((name) => ({
    name,
    problem: failures.get(name) ?? "",
  }));
}
