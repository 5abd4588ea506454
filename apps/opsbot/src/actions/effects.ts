/** Effects: desired state at the node-agent, one-shot actions at edges. Each may be tried again and happens once. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromJsonString } from "@bufbuild/protobuf";
import type { SetDesiredStateRequest } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { toRpcError } from "@glassline/proto/errors";
import { OperatorError, messageOf } from "@glassline/service/errors";
import type { Clock } from "@glassline/service/clock";

import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { Intent, Journal } from "../stores/journal.ts";

const RETRY_MS = 300;
/** An edge that is being started is waited for. */
const PATIENCE_MS = 20_000;
/** Between two looks at the kill switch. */
const HELD_MS = 50;

export interface EffectDeps {
  network: Network;
  journal: Journal;
  clock: Clock;
  edgeToken: string;
  desired: SetDesiredStateRequest | undefined;
  /** The kill switch: what has not begun waits. */
  isHeld: () => boolean;
  signal: AbortSignal;
}

/** Throws OperatorError. */
export function readDesired(json: string): SetDesiredStateRequest | undefined {
  if (json === "") return undefined;
  try {
    return fromJsonString(SetDesiredStateRequestSchema, json);
  } catch (error) {
    throw new OperatorError(`--edges: ${messageOf(error)}`, { cause: error });
  }
}

/** Tells the node-agent what shall run; nothing changes when it is so already. */
export async function assertDesired({ network, journal, desired }: EffectDeps): Promise<void> {
  if (!desired || !network.agent) return;
  const edges: MessageInitShape<typeof SetDesiredStateRequestSchema>["edges"] = desired.edges.map(
    (edge) => ({ ...edge, generation: BigInt(journal.generation(edge.name)) }),
  );
  await network.agent.setDesiredState({ fencingToken: journal.fencingToken, edges }, LIMITED);
}

/** Does what was intended, and says what came of it. Rejects when it could not be done. */
export async function effect(intent: Intent, deps: EffectDeps): Promise<string> {
  const { action } = intent;
  switch (action.kind) {
    case "restart":
      if (!deps.desired) throw new Error("OpsBot was not told which edges shall run");
      await persist(deps, () => assertDesired(deps));
      return `the node-agent was told to start ${action.edge} anew (generation ${intent.generation})`;
    case "flush": {
      const { objects, replayed } = await persist(deps, () => flush(intent, deps));
      return `${objects} objects forgotten${replayed ? " (the first time it was asked)" : ""}`;
    }
    case "prime":
      return persist(deps, () => prime(intent, deps));
  }
}

function edgeOf({ action }: Intent, { network }: EffectDeps) {
  const client = network.edges.get(action.edge);
  if (!client) throw new Error(`no edge is called ${action.edge}`);
  return client;
}

async function flush(intent: Intent, deps: EffectDeps) {
  const { idempotencyKey } = intent;
  const target = { case: "everything", value: true } as const;
  return edgeOf(intent, deps).purge(
    { target, onlyHere: true, idempotencyKey, fencingToken: deps.journal.fencingToken },
    { ...LIMITED, authorization: `Bearer ${deps.edgeToken}` },
  );
}

/** A channel that is broken does not hinder the others. Rejects when none can be primed. */
async function prime(intent: Intent, deps: EffectDeps): Promise<string> {
  const { journal, network, edgeToken } = deps;
  const edge = edgeOf(intent, deps);
  const channels = await network.channels.refresh();
  let objects = 0;
  const failures: { name: string; error: unknown }[] = [];
  for (const { name, path } of channels) {
    await released(deps);
    const idempotencyKey = `${intent.idempotencyKey}:${name}`;
    const options = { timeoutMs: PATIENCE_MS, authorization: `Bearer ${edgeToken}` };
    await edge.prime({ path, idempotencyKey, fencingToken: journal.fencingToken }, options).then(
      (primed) => (objects += primed.objects),
      (error: unknown) => failures.push({ name, error }),
    );
  }
  if (failures.length > 0 && failures.length === channels.length) throw failures[0]!.error;
  const failed = failures.map(({ name, error }) => `; ${name}: ${messageOf(error)}`).join("");
  return `${objects} objects fetched into the cache${failed}`;
}

/** Rejects with the signal's reason when the process ends meanwhile. */
async function released({ clock, isHeld, signal }: EffectDeps): Promise<void> {
  while (isHeld()) await clock.sleep(HELD_MS, signal);
}

/** Tries again while the other side is away; what it refuses is not tried again. */
async function persist<T>(deps: EffectDeps, attempt: () => Promise<T>): Promise<T> {
  const { clock, signal } = deps;
  await released(deps);
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    try {
      await released(deps);
      return await attempt();
    } catch (error) {
      const { code } = toRpcError(error);
      const passes = code === "unavailable" || code === "deadline_exceeded" || code === "canceled";
      if (!passes || clock.monotonicMs() > deadlineMs || signal.aborted) throw error;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}
