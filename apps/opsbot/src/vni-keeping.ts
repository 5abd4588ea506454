/** VNIs against what machines have: what is gone from them is free again, what others made is known, what nobody wishes is released. */
import type { Segment } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { overlayOfOpened } from "./core/opened-segment.ts";
import type { Seen } from "./core/vnis/reconcile.ts";
import type { Look, Machines } from "./machines.ts";
import type { Deployment, DeploymentReads } from "./stores/deployments.ts";
import type { Vnis } from "./vnis/vnis.ts";

const INTERVAL_MS = 10_000;

export interface VniKeepingDeps {
  vnis: Pick<Vnis, "confirm" | "of" | "reconcile">;
  machines: Pick<Machines, "look">;
  deployments: Pick<DeploymentReads, "all">;
  /** Of overlays that are configured. */
  configured: readonly Segment[];
  clock: Clock;
  logger: Logger;
}

export class VniKeeping {
  readonly #deps: VniKeepingDeps;
  #conflicts: readonly string[] = [];

  constructor(deps: VniKeepingDeps) {
    this.#deps = deps;
  }

  /** VNIs that machines have and should not, as they were seen last; for people. */
  get conflicts(): readonly string[] {
    return this.#conflicts;
  }

  /** Until the signal is aborted. What goes wrong is tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#deps;
    const keep = () =>
      this.keep().catch((error: unknown) => {
        if (!signal.aborted) logger.warn({ problem: messageOf(error) }, "VNIs cannot be looked at");
      });
    await keep();
    await every(clock, INTERVAL_MS, signal, keep);
  }

  async keep(): Promise<void> {
    const { vnis, machines, deployments, configured, logger } = this.#deps;
    const look = await machines.look();
    for (const machine of look.machines.keys()) await vnis.confirm(machine, vnisOn(machine, look));
    const isGiven = await givenTo(await deployments.all(), look, vnis);
    const seen = seenOf(look, isGiven, configured);
    const others = seen.map(({ owner }) => owner);
    const overlays = new Set(configured.map(({ name }) => name));
    const wished = async () => {
      // What machines have whose node-agents do not answer nobody knows: nothing is taken for leaked.
      if (look.away.size > 0) return { has: () => true };
      const all = await deployments.all();
      const owners = new Set([...others, ...all.flatMap(({ kept }) => kept.owners)]);
      // Who opens a segment releases the one before it.
      return { has: (owner: string) => owners.has(owner) || overlays.has(overlayOfOpened(owner)!) };
    };
    const { imported, leaked, conflicts } = await vnis.reconcile(seen, wished);
    this.#conflicts = conflicts.map(({ node, problem }) => `${node}: ${problem}`);
    if (imported.length > 0) logger.info({ vnis: imported.map(({ vni }) => vni) }, "VNIs found");
    if (leaked.length > 0) logger.warn({ leaked }, "VNIs that nobody wished are released");
  }
}

function vnisOn(machine: string, { tunnels }: Look): Set<number> {
  return new Set(tunnels.flatMap((one) => (one.machine === machine ? [one.vni] : [])));
}

type IsGiven = (channel: string, vni: number) => boolean;

/** A machine may come back with a segment that a channel had long ago: its name alone says nothing. */
async function givenTo(
  all: readonly Deployment[],
  { segments }: Look,
  vnis: Pick<Vnis, "of">,
): Promise<IsGiven> {
  const given = new Map<string, Set<number>>();
  for (const { channel, kept, goal, told } of all) {
    const own = new Set([...goal.segments, ...told.segments].flatMap(vnisOf));
    given.set(channel, own);
    const isOwn = segments.every(
      ({ segment }) => segment?.name !== channel || vnisOf(segment).every((vni) => own.has(vni)),
    );
    if (isOwn) continue;
    // What is given in this moment, or was until now, is in no wish.
    for (const owner of kept.owners) {
      const allocation = await vnis.of(owner);
      if (allocation) own.add(allocation.vni);
    }
  }
  return (channel, vni) => given.get(channel)?.has(vni) ?? false;
}

const vnisOf = ({ vni, stitches }: Segment) => [vni, ...stitches.map((stitch) => stitch.vni)];

/** What was not given by the store: others' tunnels, and overlays as they are configured, also where nobody has made them yet. */
function seenOf(
  { tunnels, segments }: Look,
  isGiven: IsGiven,
  configured: readonly Segment[],
): Seen[] {
  const foreign = tunnels
    .filter(({ isOwn }) => !isOwn)
    .map(({ machine, vni }) => ({ node: machine, vni, owner: `foreign/${vni}` }));
  const overlays = new Set(configured.map(({ name }) => name));
  const formerly = segments.flatMap(({ segment }) =>
    segment && !overlays.has(segment.name)
      ? vnisOf(segment).flatMap((vni) =>
          isGiven(segment.name, vni) ? [] : [{ machine: segment.machine, name: segment.name, vni }],
        )
      : [],
  );
  const own = [...configured, ...formerly].map(({ machine, name, vni }) => ({
    node: machine,
    vni,
    owner: `overlay/${name}/${vni}`,
  }));
  return [...foreign, ...own];
}
