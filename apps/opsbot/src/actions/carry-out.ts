/** Which effect an intent has. */
import type { Action } from "../core/action.ts";
import type { Intent } from "../stores/intents.ts";
import {
  drain,
  failOver,
  flush,
  openSegment,
  prime,
  reRoute,
  restart,
  restore,
} from "./edge-effects.ts";
import { evacuate, forgetMachine, revokeDevice } from "./channel-effects.ts";
import type { Effect, EffectDeps, Effects } from "./effects.ts";
import { restartCollector, restartLink, rotateKeys } from "./mesh-effects.ts";

const EFFECTS: Effects = {
  flush,
  prime,
  restart,
  "re-route": reRoute,
  restore,
  drain,
  "fail-over": failOver,
  "restart-link": restartLink,
  "rotate-keys": rotateKeys,
  "restart-collector": restartCollector,
  "open-segment": openSegment,
  deploy: (intent, deps) => deps.deployer.deploy(intent, deps),
  destroy: (intent, deps) => deps.deployer.destroy(intent, deps),
  evacuate,
  "forget-machine": forgetMachine,
  "revoke-device": revokeDevice,
};

/** Does what was intended, and says what came of it. Rejects when it could not be done. */
export async function carryOut(intent: Intent, deps: EffectDeps): Promise<string> {
  const effect = EFFECTS[intent.action.kind] as Effect<Action> | undefined;
  // Written down by another version.
  if (!effect)
    throw new Error(`got the action ${intent.action.kind}, which this OpsBot does not know`);
  return effect(intent, deps);
}
