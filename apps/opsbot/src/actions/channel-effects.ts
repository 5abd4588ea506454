/** What is done to channels that were deployed, beside deploying them: their machines die, their devices are lost. */
import type { Action } from "../core/action.ts";
import { answering } from "../core/deployment/forgotten.ts";
import { counted } from "../core/words.ts";
import { atEach, protectedEdges, refuseTokens } from "../deployment/revoked.ts";
import { lookAtMachines } from "../machines.ts";
import { LIMITED } from "../network.ts";
import type { Effect } from "./effects.ts";
import { begin, persist, unlessHeld } from "./effects.ts";

type Of<K extends Action["kind"]> = Effect<Extract<Action, { kind: K }>>;

/** Where things go was written down with the intent; a machine that is away hears of it when it is back. */
export const evacuate: Of<"evacuate"> = async (intent, deps) => {
  const moved = await deps.deployer.evacuate(intent, deps);
  return moved.join("; ") || `nothing of a channel ran on ${intent.action.target}`;
};

/** That nothing of a channel is wished there was seen with the intent; whether it is gone is looked at once more. */
export const forgetMachine: Of<"forget-machine"> = async ({ action: { target } }, deps) => {
  const { machines } = await lookAtMachines(deps.network);
  if (machines.has(target)) throw new Error(answering(target));
  const { vnis, journal, forgetMachine: forget } = deps.deployer.parts;
  const waiting = await vnis.countAwaiting(target);
  await begin(deps, () => vnis.confirm(target, new Set()));
  forget(target);
  await journal.transact((records) => records.closeAbout(target, "it is gone for good"));
  return `${counted(waiting, "VNI")} ${waiting === 1 ? "waits" : "wait"} for it no more`;
};

/** First whoever gives tokens, then each edge that would take one. Those that are away hear of it when they are back. */
export const revokeDevice: Of<"revoke-device"> = async (intent, deps) => {
  const { action, idempotencyKey } = intent;
  const { fencingToken, deployer } = deps;
  const { target: channel, device } = action;
  const { enrolment, enrolled, journal } = deployer.parts;
  if (!enrolment) throw new Error("this OpsBot was told of no enrolment");
  const { subject } = await persist(deps, () =>
    enrolment.revokeDevice(
      { channel, device, idempotencyKey, fencingToken },
      { ...LIMITED, ...unlessHeld(deps) },
    ),
  );
  enrolled.forget();
  const deployment = await journal.deployments.of(channel);
  const edges = protectedEdges(deployment?.goal.edges ?? []);
  const failures = await atEach(edges, (name) => refuseTokens(name, subject, idempotencyKey, deps));
  if (failures.length > 0)
    throw new Error(`it gets no tokens any more, but may watch on at ${failures.join("; ")}`);
  return `it gets no tokens any more, and ${counted(edges.length, "edge")} refuse those that it has`;
};
