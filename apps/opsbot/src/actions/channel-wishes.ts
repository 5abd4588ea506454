/** Within the transaction of an intent: what a channel shall be from now on. */
import type { Action } from "../core/action.ts";
import { askedAnew } from "../core/deployment/kept.ts";
import type { Kept } from "../core/deployment/layout.ts";
import { stillUsed, withoutMember } from "../core/deployment/forgotten.ts";
import { readDescription } from "../core/deployment/read-description.ts";
import type { Deployment, Deployments } from "../stores/deployments.ts";

const CHANNELS_MAX = 10_000;

type Of<K extends Action["kind"]> = Extract<Action, { kind: K }>;
type Wished = Action | { cannot: string };

/** @param action without the description, once that is written down. */
export async function wishDeploy(
  { target, description }: Of<"deploy">,
  deployments: Deployments,
): Promise<Wished> {
  const known = await deployments.of(target);
  if (known?.phase === "leaving") return { cannot: `${target} is being taken down` };
  const wished = description ?? known?.description;
  if (wished === undefined) return { cannot: `no channel ${target} was deployed` };
  if (!known && (await deployments.count()) >= CHANNELS_MAX)
    return { cannot: `there are ${CHANNELS_MAX} channels already` };
  if (description === undefined) {
    // Of one that is live only what is otherwise than wished is mended.
    const isLive = known!.phase === "live" || known!.phase === "drifted";
    const phase = isLive ? "drifted" : "deploying";
    await deployments.change(target, { phase, problem: "" });
    await deployments.beginSteps(target);
  } else await deployments.wish(target, readDescription(wished).tenant, wished);
  if (known && description !== undefined)
    await deployments.change(target, {
      kept: askedAnew(known.kept, known.liveDescription !== ""),
    });
  return { kind: "deploy", target };
}

export async function wishDestroy(
  action: Of<"destroy">,
  deployments: Deployments,
): Promise<Wished> {
  const known = await deployments.of(action.target);
  if (!known) return { cannot: `no channel ${action.target} was deployed` };
  await deployments.change(action.target, { phase: "leaving", problem: "" });
  await deployments.beginSteps(action.target);
  return action;
}

/** @param there machines that answer. */
export async function wishEvacuate(
  action: Of<"evacuate">,
  deployments: Deployments,
  there: ReadonlySet<string>,
): Promise<Wished> {
  const moves: string[] = [];
  for (const deployment of await deployments.all()) {
    const kept = withoutMachine(deployment, action.target, there);
    if (!kept) continue;
    await deployments.change(deployment.channel, { kept });
    moves.push(deployment.channel);
  }
  return moves.length > 0
    ? action
    : { cannot: `nothing of a channel runs on ${action.target} that another machine could take` };
}

/** Channels that are taken down later do not wait for it either. */
export async function wishForget(
  action: Of<"forget-machine">,
  deployments: Deployments,
): Promise<Wished> {
  const all = await deployments.all();
  const used = stillUsed(action.target, all);
  if (used !== undefined) return { cannot: used };
  for (const { channel, kept } of all)
    if (kept.overlayMachines.includes(action.target))
      await deployments.change(channel, { kept: withoutMember(kept, action.target) });
  return action;
}

/** Undefined: it has nothing of the channel, or nobody can take it. */
function withoutMachine(
  { phase, description, kept, goal }: Deployment,
  machine: string,
  there: ReadonlySet<string>,
): Kept | undefined {
  const has = [...goal.edges, ...goal.segments].some((one) => one.machine === machine);
  if (!has || phase === "leaving" || phase === "failed") return undefined;
  const { machines, spares, shield } = readDescription(description);
  const places = [...new Set([...machines, ...(shield === undefined ? [] : [shield])])];
  const substitutes: Record<string, string> = { ...kept.substitutes };
  const placeOf = (described: string) => substitutes[described] ?? described;
  const away = [...new Set([...kept.away, machine])];
  for (const described of places.filter((one) => placeOf(one) === machine)) {
    const used = new Set(places.map(placeOf));
    const usable = [...spares, ...places].filter((one) => there.has(one) && !away.includes(one));
    const next = usable.find((one) => !used.has(one)) ?? usable[0];
    if (next === undefined) return undefined;
    substitutes[described] = next;
  }
  return { ...kept, substitutes, away };
}
