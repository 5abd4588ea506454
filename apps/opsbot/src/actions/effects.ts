/** Effects: what an intent does to the network. Each may be tried again and happens once. */
import { toRpcError } from "@glassline/proto/errors";
import type { Clock } from "@glassline/service/clock";

import type { Action, ActionKind } from "../core/action.ts";
import type { Network } from "../network.ts";
import type { Intent } from "../stores/intents.ts";
import type { Deployer } from "../deployment/deployer.ts";
import type { DesiredState } from "./desired-state.ts";

const RETRY_MS = 300;
/** An edge that is being started is waited for. */
export const PATIENCE_MS = 20_000;
/** Between two looks at the kill switch. */
const HELD_MS = 50;

export interface EffectDeps {
  network: Network;
  desired: DesiredState;
  deployer: Deployer;
  clock: Clock;
  edgeToken: string;
  /** Of the term in which it is done. */
  fencingToken: bigint;
  /** The kill switch, or another one leads: what has not begun waits. */
  isHeld: () => Promise<boolean>;
  signal: AbortSignal;
}

/** Does what was intended, and says what came of it. Rejects when it could not be done. */
export type Effect<A extends Action = Action> = (
  intent: Intent & { action: A },
  deps: EffectDeps,
) => Promise<string>;

export type Effects = {
  [K in ActionKind]: Effect<Extract<Action, { kind: K }>>;
};

/** Rejects with the signal's reason when the process ends meanwhile. */
export async function released({ clock, isHeld, signal }: EffectDeps): Promise<void> {
  while (await isHeld()) await clock.sleep(HELD_MS, signal);
}

/** Tries again while the other side is away; what it refuses is not tried again. */
export async function persist<T>(deps: EffectDeps, attempt: () => Promise<T>): Promise<T> {
  const { clock, signal } = deps;
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    await released(deps);
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      const { code } = toRpcError(error);
      const passes = code === "unavailable" || code === "deadline_exceeded" || code === "canceled";
      if (!passes || clock.monotonicMs() > deadlineMs || signal.aborted) throw error;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}
