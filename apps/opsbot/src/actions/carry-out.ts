/** Which effect an intent has. */
import type { Action } from "../core/action.ts";
import type { Intent } from "../stores/intents.ts";
import { failOver, flush, prime, reRoute, restart, restore } from "./edge-effects.ts";
import type { Effect, EffectDeps, Effects } from "./effects.ts";

const EFFECTS: Partial<Effects> = {
  flush,
  prime,
  restart,
  "re-route": reRoute,
  restore,
  "fail-over": failOver,
};

/** Does what was intended, and says what came of it. Rejects when it could not be done. */
export function carryOut(intent: Intent, deps: EffectDeps): Promise<string> {
  const effect = EFFECTS[intent.action.kind] as Effect<Action> | undefined;
  if (!effect) return Promise.reject(new Error(`${intent.action.kind}: there is no such action`));
  return effect(intent, deps);
}
