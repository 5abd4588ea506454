/** What is done to edges: by themselves, or by the node-agent that runs them. */
import { messageOf } from "@glassline/service/errors";

import type { Action } from "../core/action.ts";
import { ownerOfOpened } from "../core/opened-segment.ts";
import { counted } from "../core/words.ts";
import { LIMITED } from "../network.ts";
import type { Intent } from "../stores/intents.ts";
import { drainEdge, undrainEdge } from "./edge-actions.ts";
import type { Effect, EffectDeps } from "./effects.ts";
import { PATIENCE_MS, begin, persist, unlessHeld } from "./effects.ts";

const NOT_TOLD = "OpsBot was not told what shall run";
/** Between two looks whether viewers have gone. */
const DRAIN_LOOK_MS = 500;

type Of<K extends Action["kind"]> = Effect<Extract<Action, { kind: K }>>;

export const restart: Of<"restart"> = async ({ action, generation }, deps) => {
  if (!(await deps.desired.runs(action.target))) throw new Error(NOT_TOLD);
  await tellDesired(deps, action.target);
  return `the node-agent was told to start ${action.target} anew (generation ${generation})`;
};

/** Its viewers go first; where it does not answer there is nothing to wait for. */
export const failOver: Of<"fail-over"> = async (intent, deps) => {
  const { action } = intent;
  await begin(deps, () => drainEdge(callOf(intent, deps))).catch(() => {});
  await tellDesired(deps, action.target);
  return `the node-agent was told to run ${action.target} on ${action.machine}, and no more on ${action.from}`;
};

/** Its predecessor's VNI is nobody's before each machine is without it. The node-agent mends the network of its machines, too. */
export const openSegment: Of<"open-segment"> = async ({ action, generation }, deps) => {
  const { target: overlay } = action;
  const { vnis, journal } = deps.deployer.parts;
  const segments = configuredOf(deps).segments.filter(({ name }) => name === overlay);
  const { generation: newest = 0 } = (await journal.openedSegments()).get(overlay) ?? {};
  if (newest > generation) return `segment number ${newest} of ${overlay} was opened since`;
  const owner = ownerOfOpened(overlay, generation);
  const { vni } = await vnis.allocate({ owner, tenant: overlay, ipv4: false });
  await journal.transact((records) => records.openedSegment(overlay, { generation, vni }));
  await tellDesired(deps);
  const machines = segments.map(({ machine }) => machine);
  await vnis.release(ownerOfOpened(overlay, generation - 1), machines);
  return `the node-agent was told of segment number ${generation} of ${overlay}, VNI ${vni}`;
};

async function tellDesired(deps: EffectDeps, edge?: string): Promise<void> {
  await persist(deps, () => deps.desired.tell(deps, edge));
}

function configuredOf({ desired: { configured } }: EffectDeps) {
  if (!configured) throw new Error(NOT_TOLD);
  return configured;
}

export const flush: Of<"flush"> = async (intent, deps) => {
  const { action, idempotencyKey } = intent;
  const target =
    action.prefix === undefined
      ? ({ case: "everything", value: true } as const)
      : ({ case: "prefix", value: action.prefix } as const);
  const { objects, replayed } = await persist(deps, () =>
    edgeOf(intent, deps).purge(
      { target, onlyHere: true, idempotencyKey, fencingToken: deps.fencingToken },
      { ...LIMITED, ...unlessHeld(deps), authorization: `Bearer ${deps.edgeToken}` },
    ),
  );
  return `${objects} objects forgotten${replayed ? " (the first time it was asked)" : ""}`;
};

export const prime: Of<"prime"> = (intent, deps) => persist(deps, () => primeNow(intent, deps));

/** A channel that is broken does not hinder the others. Rejects when none can be primed. */
async function primeNow(
  intent: Intent & { action: Extract<Action, { kind: "prime" }> },
  deps: EffectDeps,
): Promise<string> {
  const { network, edgeToken, fencingToken } = deps;
  const edge = edgeOf(intent, deps);
  const wanted = intent.action.channel;
  const all = await network.channels.refresh();
  const channels = all.filter(({ name }) => wanted === undefined || name === wanted);
  if (wanted !== undefined && channels.length === 0)
    throw new Error(`the origin has no channel ${JSON.stringify(wanted)}`);
  let objects = 0;
  const failures: { name: string; error: unknown }[] = [];
  for (const { name, path } of channels) {
    const idempotencyKey = `${intent.idempotencyKey}:${name}`;
    const authorization = `Bearer ${edgeToken}`;
    const options = { timeoutMs: PATIENCE_MS, authorization, ...unlessHeld(deps) };
    const primed = begin(deps, () => edge.prime({ path, idempotencyKey, fencingToken }, options));
    await primed.then(
      ({ objects: more }) => (objects += more),
      (error: unknown) => failures.push({ name, error }),
    );
  }
  if (failures.length > 0 && failures.length === channels.length) throw failures[0]!.error;
  const failed = failures.map(({ name, error }) => `; ${name}: ${messageOf(error)}`).join("");
  return `${objects} objects fetched into the cache${failed}`;
}

export const reRoute: Of<"re-route"> = (intent, deps) =>
  persist(deps, () => drainEdge(callOf(intent, deps)));

export const restore: Of<"restore"> = (intent, deps) =>
  persist(deps, () => undrainEdge(callOf(intent, deps)));

/** Resolves when the viewers have gone, or not all of them in time: those who stay are served. */
export const drain: Of<"drain"> = async (intent, deps) => {
  const { clock, signal } = deps;
  const begun = await persist(deps, () => drainEdge(callOf(intent, deps)));
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const { viewers } = await edgeOf(intent, deps).getStatus({}, LIMITED);
    if (viewers === 0) return `${begun}; all have gone`;
    if (clock.monotonicMs() > deadlineMs)
      return `${begun}; ${counted(viewers, "viewer")} stayed and will be served`;
    await clock.sleep(DRAIN_LOOK_MS, signal);
  }
};

function callOf(intent: Pick<Intent, "action" | "idempotencyKey">, deps: EffectDeps) {
  const { fencingToken, edgeToken } = deps;
  return {
    client: edgeOf(intent, deps),
    idempotencyKey: intent.idempotencyKey,
    fencingToken,
    authorization: `Bearer ${edgeToken}`,
    ...unlessHeld(deps),
  };
}

export function edgeOf({ action }: Pick<Intent, "action">, { network }: EffectDeps) {
  const client = network.edges.get(action.target);
  if (!client) throw new Error(`no edge is called ${action.target}`);
  return client;
}
