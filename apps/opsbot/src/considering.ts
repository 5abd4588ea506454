/** What would come of what people ask, as it is now: nothing is changed by it. */
import type { Action } from "./core/action.ts";
import { describeAction } from "./core/action.ts";
import { FOREVER_MS } from "./core/guard.ts";
import { runbookOf } from "./core/runbooks/catalogue.ts";
import type { DeploymentDesk } from "./deployments.ts";
import type { Change, Refusal } from "./desk.ts";
import { DOMAINS } from "./guard-settings.ts";
import type { Guard } from "./guard.ts";
import { REQUEST } from "./stores/incidents.ts";
import type { Inviting } from "./inviting.ts";
import { saysInvite, whyNoInvite } from "./inviting.ts";
import type { IncidentRow } from "./stores/incidents.ts";
import type { Reads } from "./stores/journal.ts";

/** So many of the newest requests are looked through for what can be undone. */
const UNDO_LOOKED_AT = 50;
const CHANNEL = { kind: "channel", domain: DOMAINS.channel } as const;

export interface ConsideringDeps {
  journal: Reads;
  guard: Guard;
  deployments: Pick<DeploymentDesk, "changesOf">;
  /** Undefined: there is no enrolment. */
  invite: Inviting | undefined;
}

export interface Considered {
  /** What is to be done: of an undo, the action that it is. */
  change: Change;
  /** What would be done, for people. */
  says: string;
  /** What must still be so when it is done. */
  standsOn: string;
}

type Of<K extends Change["kind"]> = Extract<Change, { kind: K }>;

export async function consider(
  change: Change,
  deps: ConsideringDeps,
): Promise<Considered | Refusal> {
  switch (change.kind) {
    case "act":
      return considerAction(change.action, deps);
    case "undo":
      return considerUndo(change.incident, deps);
    case "approve":
      return considerApproval(change, deps);
    case "maintain":
      return considerMaintenance(change, deps);
    case "invite":
      return considerInvite(change, deps);
    case "pause":
      return sure(change, `I will pause automation ${spanOf(change.forMs)}.`);
    case "resume":
      return sure(change, "I will let automation go on.");
    case "continue":
      return sure(change, "I will end the kill switch.");
  }
}

async function considerAction(
  action: Action,
  { journal, guard, deployments }: ConsideringDeps,
): Promise<Considered | Refusal> {
  if (await journal.openIncidentOf(action.target, REQUEST))
    return refuse("under_way", "what was asked for before is under way");
  const lines = await deployments.changesOf(action);
  if ("refused" in lines) return lines;
  const forget = meet(action, guard);
  const judging = guard.judge(action, { by: "person", runbook: REQUEST }, journal.guard);
  forget();
  const verdict = await judging;
  if (!verdict.may) return refuse(verdict.because, verdict.says);
  const { says: radius } = runbookOf(action).blastRadius;
  const says = [`I will ${verdict.says}; ${radius}.`, ...lines].join("\n");
  return sure({ kind: "act", action }, says, [verdict.says, ...lines].join("\n"));
}

async function considerUndo(
  id: number | undefined,
  deps: ConsideringDeps,
): Promise<Considered | Refusal> {
  const { journal } = deps;
  const incident = id === undefined ? await newestRequest(deps) : await journal.incident(id);
  if (!incident) {
    const what = id === undefined ? "nothing was asked for" : `there is no incident ${id}`;
    return refuse("nothing", what);
  }
  const [last] = await journal.intentsOf(incident.id);
  if (!last) return refuse("nothing", `nothing was done about incident ${incident.id}`);
  const back = runbookOf(last.action).undo?.(last.action);
  if (!back) return refuse("no_undo", `${describeAction(last.action)}: nothing can take that back`);
  return considerAction(back, deps);
}

async function newestRequest({ journal }: ConsideringDeps): Promise<IncidentRow | undefined> {
  const all = await journal.incidents(UNDO_LOOKED_AT, false);
  return all.find(({ check }) => check === REQUEST);
}

async function considerApproval(
  change: Of<"approve">,
  { journal }: ConsideringDeps,
): Promise<Considered | Refusal> {
  const { incident: id } = change;
  const incident = await journal.incident(id);
  if (!incident || incident.closedUnixNano !== 0n)
    return refuse("unknown_target", `there is no open incident ${id}`);
  const says = `I will agree to the next action about ${incident.title} (incident ${id}), for 15 min.`;
  return sure(change, says, String(incident.actions));
}

function considerMaintenance(
  change: Of<"maintain">,
  { guard }: ConsideringDeps,
): Considered | Refusal {
  const { target, forMs } = change;
  if (guard.kindOf(target) === undefined)
    return refuse(
      "unknown_target",
      `target: got ${JSON.stringify(target)}, which nothing is called`,
    );
  return sure(
    change,
    forMs === undefined
      ? `I will look after ${target} again.`
      : `I will leave ${target} alone ${spanOf(forMs)}.`,
  );
}

async function considerInvite(
  change: Of<"invite">,
  { journal, invite }: ConsideringDeps,
): Promise<Considered | Refusal> {
  const reason = await whyNoInvite(change, invite, journal.deployments);
  return reason ?? sure(change, saysInvite(change));
}

/** A channel that is to be made is a target like the others. @returns what takes that back, as long as it is not there. */
export function meet({ kind, target }: Action, guard: Guard): () => void {
  if (kind !== "deploy" || guard.kindOf(target) !== undefined) return () => {};
  guard.learn(target, CHANNEL);
  return () => guard.forget(target);
}

const sure = (change: Change, says: string, standsOn = ""): Considered => ({
  change,
  says,
  standsOn,
});

export const refuse = (because: string, refused: string): Refusal => ({ refused, because });

export function spanOf(forMs: number | undefined): string {
  if (forMs === undefined || forMs >= FOREVER_MS) return "until somebody ends it";
  return `for ${Math.round(forMs / 60_000) || 1} min`;
}
