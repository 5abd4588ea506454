/** The desk at work: plans and does what people ask, on the journal, through the guard. */
import { randomUUID } from "node:crypto";

import type { Clock } from "@glassline/service/clock";

import type { Bot } from "./bot.ts";
import { mayAs, roleFor } from "./core/access.ts";
import type { Action } from "./core/action.ts";
import { describeAction } from "./core/action.ts";
import { shortened } from "./core/echo.ts";
import { FOREVER_MS } from "./core/guard.ts";
import { runbookOf } from "./core/runbooks/catalogue.ts";
import type { Caller, Change, Desk, Inventory, Outcome, Plan, Refusal } from "./desk.ts";
import type { Inviting } from "./inviting.ts";
import { saysInvite, whyNoInvite } from "./inviting.ts";
import type { DeploymentDesk } from "./deployments.ts";
import { DOMAINS } from "./guard-settings.ts";
import type { Guard } from "./guard.ts";
import { REQUEST } from "./incidents.ts";
import type { Observation } from "./observers/observer.ts";
import { Plans, hashOf } from "./plans.ts";
import type { IncidentRow } from "./stores/incidents.ts";
import type { Journal, Records } from "./stores/journal.ts";
import { NotLeadingError } from "./stores/sql.ts";

/** Their end is not waited for. */
const LONG: ReadonlySet<Action["kind"]> = new Set(["deploy", "destroy"]);
const CHANNEL = { kind: "channel", domain: DOMAINS.channel } as const;

/** So long a person's agreement counts. */
const APPROVAL_MS = 900_000;
/** So many of the newest requests are looked through for what can be undone. */
const UNDO_LOOKED_AT = 50;

export interface OperationsDeps {
  journal: Journal;
  guard: Guard;
  clock: Pick<Clock, "nowMs">;
  /** Undefined: another one leads. */
  bot: () => Bot | undefined;
  /** Who leads, for people. */
  leader: () => string;
  observations: () => readonly Observation[];
  impediment: () => string;
  inventory: () => Inventory;
  deployments: Pick<DeploymentDesk, "all" | "of" | "changesOf">;
  /** Undefined: there is no enrolment. */
  invite: Inviting | undefined;
}

export class Operations implements Desk {
  readonly #deps: OperationsDeps;
  readonly #plans = new Plans();

  constructor(deps: OperationsDeps) {
    this.#deps = deps;
  }

  inventory(): Inventory {
    return this.#deps.inventory();
  }

  observations(): readonly Observation[] {
    return this.#deps.observations();
  }

  impediment(): string {
    return this.#deps.impediment();
  }

  orders() {
    return this.#deps.guard.orders(this.#deps.journal.guard);
  }

  incidents(limit: number, openOnly: boolean) {
    return this.#deps.journal.incidents(limit, openOnly);
  }

  countOpen() {
    return this.#deps.journal.countOpen();
  }

  audit(afterSeq: number, limit: number) {
    return this.#deps.journal.audit(afterSeq, limit);
  }

  deployments() {
    return this.#deps.deployments.all();
  }

  deployment(channel: string) {
    return this.#deps.deployments.of(channel);
  }

  async story(id: number) {
    const { journal } = this.#deps;
    const incident = await journal.incident(id);
    return incident && { incident, entries: await journal.entries(id) };
  }

  async plan(change: Change, caller: Caller): Promise<Plan | Refusal> {
    const planned = await this.#consider(change, caller);
    if ("refused" in planned) return planned;
    const nowMs = this.#deps.clock.nowMs();
    return this.#plans.keep(planned.change, planned.says, planned.standsOn, caller, nowMs);
  }

  async apply(hash: string, caller: Caller): Promise<Outcome | Refusal> {
    const nowMs = this.#deps.clock.nowMs();
    const refusal = this.#mayNot(hash, caller);
    if (refusal) return refusal;
    const outcome = this.#plans.take(hash, nowMs, (plan, who) =>
      this.#applyOnce(plan, who, caller),
    );
    const unknown = "there is no such plan, or it is older than 2 minutes";
    return outcome ?? refuse("no_such_plan", unknown);
  }

  async #applyOnce(
    { hash, change }: Plan,
    plannedBy: string,
    caller: Caller,
  ): Promise<Outcome | Refusal> {
    const now = await this.#consider(change, caller);
    if ("refused" in now) return now;
    if (hashOf(change, now.standsOn, plannedBy) === hash) return this.#doAsLeader(change, caller);
    const says = `it is not as it was when it was planned; now it would be: ${now.says}`;
    return refuse("changed", says);
  }

  /** Who may not is told so, also when another one's plan has been carried out already. */
  #mayNot(hash: string, { role }: Caller): Refusal | undefined {
    const change = this.#plans.changeOf(hash);
    const needed = change && roleFor(change);
    if (!needed || mayAs(role, needed)) return undefined;
    return refuse("role", `this needs the role ${needed}, and you have ${role}`);
  }

  /** By whichever replica is asked. */
  async stop({ who }: Caller): Promise<void> {
    const { journal, guard } = this.#deps;
    await journal.transactAnyway(async (records) => {
      await guard.order({ kind: "kill", target: "", who }, records.guard);
      await witness(records, who, "stop everything");
    });
  }

  /** @returns what would be done, and what that stands on. */
  async #consider(
    change: Change,
    { role }: Caller,
  ): Promise<{ change: Change; says: string; standsOn: string } | Refusal> {
    const needed = roleFor(change);
    if (!mayAs(role, needed))
      return refuse("role", `this needs the role ${needed}, and you have ${role}`);
    if (!this.#deps.bot()) return this.#notLeading();
    switch (change.kind) {
      case "act":
        return this.#considerAction(change.action);
      case "undo":
        return this.#considerUndo(change.incident);
      case "approve":
        return this.#considerApproval(change.incident);
      case "maintain":
        return this.#considerMaintenance(change);
      case "invite":
        return this.#considerInvite(change);
      case "pause":
        return sure(change, `I will pause automation ${spanOf(change.forMs)}.`);
      case "resume":
        return sure(change, "I will let automation go on.");
      case "continue":
        return sure(change, "I will end the kill switch.");
    }
  }

  async #considerAction(action: Action) {
    const { journal, guard } = this.#deps;
    if (await journal.openIncidentOf(action.target, REQUEST))
      return refuse("under_way", "what was asked for before is under way");
    const lines = await this.#deps.deployments.changesOf(action);
    if ("refused" in lines) return lines;
    const forget = meet(action, guard);
    const judging = guard.judge(action, { by: "person", runbook: REQUEST }, journal.guard);
    forget();
    const verdict = await judging;
    if (!verdict.may) return refuse(verdict.because, verdict.says);
    const { says: radius } = runbookOf(action).blastRadius;
    const change = { kind: "act", action } as const;
    const says = [`I will ${verdict.says}; ${radius}.`, ...lines].join("\n");
    return { change, says, standsOn: [verdict.says, ...lines].join("\n") };
  }

  async #considerInvite(change: Extract<Change, { kind: "invite" }>) {
    const { journal, invite } = this.#deps;
    const reason = await whyNoInvite(change, invite, journal.deployments);
    return reason ?? sure(change, saysInvite(change));
  }

  async #considerUndo(id: number | undefined) {
    const { journal } = this.#deps;
    const incident = id === undefined ? await this.#newestRequest() : await journal.incident(id);
    if (!incident)
      return refuse(
        "nothing",
        id === undefined ? "nothing was asked for" : `there is no incident ${id}`,
      );
    const [last] = await journal.intentsOf(incident.id);
    if (!last) return refuse("nothing", `nothing was done about incident ${incident.id}`);
    const back = runbookOf(last.action).undo?.(last.action);
    if (!back)
      return refuse("no_undo", `${describeAction(last.action)}: nothing can take that back`);
    return this.#considerAction(back);
  }

  async #newestRequest(): Promise<IncidentRow | undefined> {
    const all = await this.#deps.journal.incidents(UNDO_LOOKED_AT, false);
    return all.find(({ check }) => check === REQUEST);
  }

  async #considerApproval(id: number) {
    const incident = await this.#deps.journal.incident(id);
    if (!incident || incident.closedUnixNano !== 0n)
      return refuse("unknown_target", `there is no open incident ${id}`);
    const says = `I will agree to the next action about ${incident.title} (incident ${id}), for 15 min.`;
    return sure({ kind: "approve", incident: id }, says, String(incident.actions));
  }

  async #considerMaintenance(change: Extract<Change, { kind: "maintain" }>) {
    const { target, forMs } = change;
    if (this.#deps.guard.kindOf(target) === undefined)
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

  /** The term may end meanwhile. */
  async #doAsLeader(change: Change, caller: Caller): Promise<Outcome | Refusal> {
    try {
      return await this.#do(change, caller);
    } catch (error) {
      if (error instanceof NotLeadingError) return this.#notLeading();
      throw error;
    }
  }

  #notLeading(): Refusal {
    return refuse("not_leading", `${this.#deps.leader() || "nobody"} leads: ask there`);
  }

  async #do(change: Change, { who }: Caller): Promise<Outcome | Refusal> {
    const { journal } = this.#deps;
    if (change.kind === "act") return this.#act(change.action, who);
    if (change.kind === "invite") return this.#invite(change, who);
    const says = await journal.transact(async (records) => {
      await witness(records, who, change.kind);
      return this.#order(change, who, records);
    });
    return { ok: true, says, incidentId: change.kind === "approve" ? change.incident : undefined };
  }

  async #act(action: Action, who: string): Promise<Outcome | Refusal> {
    const bot = this.#deps.bot();
    if (!bot) return this.#notLeading();
    const forget = meet(action, this.#deps.guard);
    const asked = await bot.request(action, who, LONG.has(action.kind));
    if ("refused" in asked) forget();
    if ("refused" in asked) return asked;
    const { incident } = asked;
    if (LONG.has(action.kind))
      return { ok: true, says: `${action.target}: begun`, incidentId: incident.id };
    const entries = await this.#deps.journal.entries(incident.id);
    const last = entries.findLast(({ kind }) => kind === "done" || kind === "failed");
    const says = `${action.target}: ${last?.text ?? "under way"}`;
    return { ok: last?.kind === "done", says, incidentId: incident.id };
  }

  /** The link itself is a secret: it is told, and written down nowhere. */
  async #invite(change: Extract<Change, { kind: "invite" }>, who: string): Promise<Outcome> {
    const { journal, invite } = this.#deps;
    const { channel, device } = change;
    await journal.transact((records) =>
      witness(records, who, `invite ${shortened(device)} to ${channel}`),
    );
    return { ok: true, says: await invite!(change, randomUUID()), incidentId: undefined };
  }

  async #order(
    change: Exclude<Change, { kind: "act" | "invite" }>,
    who: string,
    records: Records,
  ): Promise<string> {
    const { guard } = this.#deps;
    switch (change.kind) {
      case "pause":
        await guard.order({ kind: "pause", target: "", who }, records.guard, change.forMs);
        return `Automation is paused ${spanOf(change.forMs)}.`;
      case "resume":
        return (await guard.lift("pause", "", records.guard))
          ? "Automation goes on."
          : "Automation was not paused.";
      case "continue":
        return (await guard.lift("kill", "", records.guard))
          ? "It goes on."
          : "The kill switch was not on.";
      case "maintain":
        return this.#maintain(change, who, records);
      case "approve":
        return this.#approve(change.incident, who, records);
      case "undo":
        throw new Error("an undo is planned as the action that it is");
    }
  }

  async #maintain(
    { target, forMs }: Extract<Change, { kind: "maintain" }>,
    who: string,
    records: Records,
  ): Promise<string> {
    const { guard } = this.#deps;
    if (forMs !== undefined) {
      await guard.order({ kind: "maintenance", target, who }, records.guard, forMs);
      return `${target} is left alone ${spanOf(forMs)}.`;
    }
    const had = await guard.lift("maintenance", target, records.guard);
    return had ? `${target} is looked after again.` : `${target} was not being worked on.`;
  }

  /** The action that an incident waits with is the one behind those that were begun. */
  async #approve(id: number, who: string, records: Records): Promise<string> {
    const incident = (await records.incident(id))!;
    const step = { incidentId: id, action: incident.actions };
    await this.#deps.guard.approve(step, who, APPROVAL_MS, records.guard);
    await records.note(id, "decided", `${who} agrees to the next action for 15 min`);
    return `Agreed: ${incident.title}.`;
  }
}

/** A channel that is to be made is a target like the others. @returns what takes that back, as long as it is not there. */
function meet({ kind, target }: Action, guard: Guard): () => void {
  if (kind !== "deploy" || guard.kindOf(target) !== undefined) return () => {};
  guard.learn(target, CHANNEL);
  return () => guard.forget(target);
}

const refuse = (because: string, refused: string): Refusal => ({ refused, because });

const sure = (change: Change, says: string, standsOn = "") => ({ change, says, standsOn });

const witness = (records: Records, who: string, what: string) =>
  records.witness({ who, what, before: "", after: "" });

export function spanOf(forMs: number | undefined): string {
  if (forMs === undefined || forMs >= FOREVER_MS) return "until somebody ends it";
  return `for ${Math.round(forMs / 60_000) || 1} min`;
}
