/** The desk at work: plans and does what people ask, on the journal, through the guard. */
import { randomUUID } from "node:crypto";

import type { Clock } from "@glassline/service/clock";

import type { Bot } from "./bot.ts";
import type { Considered, ConsideringDeps } from "./considering.ts";
import { consider, meet, refuse, spanOf } from "./considering.ts";
import { mayAs, roleFor } from "./core/access.ts";
import type { Action } from "./core/action.ts";
import { shortened } from "./core/echo.ts";
import type { DeploymentDesk } from "./deployments.ts";
import type {
  AccessRole,
  Caller,
  Change,
  Desk,
  Inventory,
  Outcome,
  Plan,
  Refusal,
} from "./desk.ts";
import type { Observation } from "./observers/observer.ts";
import { Plans, hashOf } from "./plans.ts";
import type { Journal, Records } from "./stores/journal.ts";
import { NotLeadingError } from "./stores/sql.ts";

/** Their end is not waited for. */
const LONG: ReadonlySet<Action["kind"]> = new Set(["deploy", "destroy"]);

/** So long a person's agreement counts. */
const APPROVAL_MS = 900_000;

export interface OperationsDeps extends ConsideringDeps {
  journal: Journal;
  clock: Pick<Clock, "nowMs">;
  /** Undefined: another one leads. */
  bot: () => Bot | undefined;
  /** Who leads, for people. */
  leader: () => string;
  observations: () => readonly Observation[];
  impediment: () => string;
  inventory: () => Inventory;
  deployments: Pick<DeploymentDesk, "all" | "of" | "changesOf">;
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
    return !needed || mayAs(role, needed) ? undefined : mayNot(role, needed);
  }

  /** By whichever replica is asked. */
  async stop({ who }: Caller): Promise<void> {
    const { journal, guard } = this.#deps;
    await journal.transactAnyway(async (records) => {
      await guard.order({ kind: "kill", target: "", who }, records.guard);
      await witness(records, who, "stop everything");
    });
  }

  async #consider(change: Change, { role }: Caller): Promise<Considered | Refusal> {
    const needed = roleFor(change);
    if (!mayAs(role, needed)) return mayNot(role, needed);
    if (!this.#deps.bot()) return this.#notLeading();
    return consider(change, this.#deps);
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

const mayNot = (role: AccessRole, needed: AccessRole) =>
  refuse("role", `this needs the role ${needed}, and you have ${role}`);

const witness = (records: Records, who: string, what: string) =>
  records.witness({ who, what, before: "", after: "" });
