/** What is done to edges: by themselves, or by the node-agent that runs them. */
import { messageOf } from "@glassline/service/errors";

import type { Action } from "../core/action.ts";
import { counted } from "../core/words.ts";
import { LIMITED } from "../network.ts";
import type { Intent } from "../stores/intents.ts";
import type { Effect, EffectDeps } from "./effects.ts";
import { PATIENCE_MS, persist, released } from "./effects.ts";

type Of<K extends Action["kind"]> = Effect<Extract<Action, { kind: K }>>;

export const restart: Of<"restart"> = async ({ action, generation }, deps) => {
  const { desired, fencingToken } = deps;
  if (!desired.configured) throw new Error("OpsBot was not told which edges shall run");
  await persist(deps, () => desired.tell(fencingToken));
  return `the node-agent was told to start ${action.target} anew (generation ${generation})`;
};

/** Its viewers go first; where it does not answer there is nothing to wait for. */
export const failOver: Of<"fail-over"> = async (intent, deps) => {
  const { action } = intent;
  await setDraining(true, intent, deps).catch(() => {});
  await persist(deps, () => deps.desired.tell(deps.fencingToken));
  return `the node-agent was told to run ${action.target} on ${action.machine}, and no more on ${action.from}`;
};

export const flush: Of<"flush"> = async (intent, deps) => {
  const { action, idempotencyKey } = intent;
  const target =
    action.prefix === undefined
      ? ({ case: "everything", value: true } as const)
      : ({ case: "prefix", value: action.prefix } as const);
  const { objects, replayed } = await persist(deps, () =>
    edgeOf(intent, deps).purge(
      { target, onlyHere: true, idempotencyKey, fencingToken: deps.fencingToken },
      { ...LIMITED, authorization: `Bearer ${deps.edgeToken}` },
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
    await released(deps);
    const idempotencyKey = `${intent.idempotencyKey}:${name}`;
    const options = { timeoutMs: PATIENCE_MS, authorization: `Bearer ${edgeToken}` };
    await edge.prime({ path, idempotencyKey, fencingToken }, options).then(
      (primed) => (objects += primed.objects),
      (error: unknown) => failures.push({ name, error }),
    );
  }
  if (failures.length > 0 && failures.length === channels.length) throw failures[0]!.error;
  const failed = failures.map(({ name, error }) => `; ${name}: ${messageOf(error)}`).join("");
  return `${objects} objects fetched into the cache${failed}`;
}

export const reRoute: Of<"re-route"> = async (intent, deps) => {
  const { viewers } = await persist(deps, () => setDraining(true, intent, deps));
  return `${counted(viewers, "viewer")} ${viewers === 1 ? "is" : "are"} steered to other edges`;
};

export const restore: Of<"restore"> = async (intent, deps) => {
  await persist(deps, () => setDraining(false, intent, deps));
  return "viewers may come back";
};

function setDraining(draining: boolean, intent: Intent, deps: EffectDeps) {
  const { fencingToken, edgeToken } = deps;
  return edgeOf(intent, deps).setDraining(
    { draining, idempotencyKey: intent.idempotencyKey, fencingToken },
    { ...LIMITED, authorization: `Bearer ${edgeToken}` },
  );
}

export function edgeOf({ action }: Pick<Intent, "action">, { network }: EffectDeps) {
  const client = network.edges.get(action.target);
  if (!client) throw new Error(`no edge is called ${action.target}`);
  return client;
}
