/** Effects: what an intent does to the network. Each may be tried again and happens once. */
import { RpcError, toRpcError } from "@glassline/proto/errors";
import type { CallOptions } from "@glassline/proto/rpc";
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
/** What took longer to answer may be about a time before somebody said stop. */
const ANSWER_MAX_MS = 80;

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

/** What an effect waits for. */
export type Hold = Pick<EffectDeps, "clock" | "isHeld" | "signal">;

/** What cannot be known holds back, too. */
export async function heldBack(
  clock: Pick<Clock, "monotonicMs">,
  { isKilled, leads }: { isKilled: () => Promise<boolean>; leads: () => boolean },
): Promise<boolean> {
  const askedMs = clock.monotonicMs();
  const killed = await isKilled().catch(() => true);
  return killed || clock.monotonicMs() - askedMs > ANSWER_MAX_MS || !leads();
}

/** @returns how long it was held, in milliseconds. Rejects with the signal's reason when the process ends meanwhile. */
export async function released({ clock, isHeld, signal }: Hold): Promise<number> {
  const startMs = clock.monotonicMs();
  while (await isHeld()) await clock.sleep(HELD_MS, signal);
  return clock.monotonicMs() - startMs;
}

/** It was not begun, and is tried again when nothing holds it any more. */
class HeldError extends RpcError {
  constructor() {
    super("unavailable", "nothing is begun at present");
  }
}

/** Each effect begins in this way, right after it was seen that nothing holds it. */
export async function begin<T>(hold: Hold, effect: () => Promise<T>): Promise<T> {
  for (;;) {
    await released(hold);
    hold.signal.throwIfAborted();
    try {
      return await effect();
    } catch (error) {
      if (!(error instanceof HeldError)) throw error;
    }
  }
}

/** For what follows upon a look that took a while, and is to be looked at anew. Rejects with RpcError, after which it is tried again. */
export async function stillReleased({ isHeld }: Pick<Hold, "isHeld">): Promise<void> {
  if (await isHeld()) throw new HeldError();
}

/** Of each call that begins something: while it waits for a connection it may come to be held. */
export const unlessHeld = (hold: Pick<Hold, "isHeld">): Pick<CallOptions, "beforeSending"> => ({
  beforeSending: () => stillReleased(hold),
});

/** Tries again while the other side is away; what it refuses is not tried again. */
export async function persist<T>(deps: EffectDeps, attempt: () => Promise<T>): Promise<T> {
  const { clock, signal } = deps;
  let deadlineMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    deadlineMs += await released(deps);
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof HeldError) continue;
      const { code } = toRpcError(error);
      const passes = code === "unavailable" || code === "deadline_exceeded" || code === "canceled";
      if (!passes || clock.monotonicMs() > deadlineMs || signal.aborted) throw error;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}
