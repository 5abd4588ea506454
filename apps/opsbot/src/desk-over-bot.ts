/** The desk over the loop and its guard. */
import { createHash } from "node:crypto";

import type { Clock } from "@glassline/service/clock";

import type { Bot } from "./bot.ts";
import { mayAct, roleFor } from "./core/access.ts";
import type { Action } from "./core/action.ts";
import type { Action as BotAction } from "./core/decide.ts";
import { ACTION_KINDS } from "./core/decide.ts";
import type { AuditRow, Caller, Change, Desk, Inventory, Outcome, Plan, Refusal } from "./desk.ts";
import type { Guard } from "./guard.ts";
import type { Observer } from "./observers/observer.ts";
import type { Journal } from "./stores/journal.ts";

/** So long a person's agreement counts. */
const APPROVAL_MS = 900_000;
const PLAN_MS = 600_000;
const PLANS_MAX = 1_000;

export interface DeskDeps {
  bot: Bot;
  guard: Guard;
  observer: Observer;
  journal: Journal;
  clock: Pick<Clock, "nowMs">;
  impediment: () => string;
  inventory: () => Inventory;
}

export class DeskOverBot implements Desk {
  readonly #deps: DeskDeps;
  readonly #plans = new Map<string, Plan & { outcome?: Promise<Outcome | Refusal> }>();

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  inventory = () => this.#deps.inventory();
  observations = () => this.#deps.observer.observations();
  impediment = () => this.#deps.impediment();
  orders = async () => this.#deps.guard.orders;
  incidents = async (limit: number, openOnly: boolean) =>
    this.#deps.journal.incidents(limit, openOnly);
  audit = async (): Promise<readonly AuditRow[]> => [];

  async story(id: number) {
    const incident = this.#deps.journal.incident(id);
    return incident && { incident, entries: this.#deps.journal.entries(id) };
  }

  async plan(change: Change, caller: Caller): Promise<Plan | Refusal> {
    const found = this.#sentence(change, caller);
    if ("refused" in found) return found;
    const { journal, guard, clock } = this.#deps;
    const stands = [change, found.says, guard.orders.length, String(journal.fencingToken)];
    const newest = journal.incidents(1, false)[0]?.id;
    const text = JSON.stringify([...stands, newest, caller.who]);
    const hash = createHash("sha256").update(text).digest("hex");
    const plan = { hash, change, says: found.says, untilMs: clock.nowMs() + PLAN_MS };
    if (!this.#plans.get(hash)?.outcome) this.#plans.set(hash, plan);
    if (this.#plans.size > PLANS_MAX) this.#plans.delete(this.#plans.keys().next().value!);
    return plan;
  }

  async apply(hash: string, caller: Caller): Promise<Outcome | Refusal> {
    const plan = this.#plans.get(hash);
    if (!plan || plan.untilMs <= this.#deps.clock.nowMs())
      return refusal("there is no such plan any more: say again what you want", "no_such_plan");
    const needed = roleFor(plan.change);
    if (!mayAct(caller.role, needed)) return roleRefusal(caller, needed);
    // Twice the same is done once.
    return (plan.outcome ??= this.#do(plan.change, caller.who));
  }

  async stop({ who }: Caller): Promise<void> {
    this.#deps.guard.order("kill", "", who);
  }

  /** What would be done, for people. */
  #sentence(change: Change, caller: Caller): { says: string } | Refusal {
    const needed = roleFor(change);
    if (!mayAct(caller.role, needed)) return roleRefusal(caller, needed);
    switch (change.kind) {
      case "act":
        return this.#actSentence(change.action);
      case "pause":
        return { says: `I will pause automation${spanOf(change.forMs)}.` };
      case "resume":
        return { says: "I will go on by myself." };
      case "continue":
        return { says: "I will end the kill switch." };
      case "maintain":
        if (!this.inventory().edges.includes(change.target)) return unknown(change.target);
        return {
          says:
            change.forMs === undefined
              ? `I will look after ${change.target} again.`
              : `I will leave ${change.target} alone${spanOf(change.forMs)}.`,
        };
      case "approve": {
        const incident = this.#deps.journal.incident(change.incident);
        return incident?.closedUnixNano === 0n
          ? { says: `I will do the next action about "${incident.title}".` }
          : refusal(`there is no open incident ${change.incident}`, "unknown_target");
      }
      case "undo":
        return refusal("nothing that was done can be taken back", "unsupported");
    }
  }

  #actSentence(action: Action): { says: string } | Refusal {
    const asked = botAction(action);
    if (!asked) return refusal(`I cannot ${action.kind} here`, "unsupported");
    if (!this.inventory().edges.includes(action.target)) return unknown(action.target);
    const verdict = this.#deps.guard.judge(asked, { by: "person", runbook: "request" });
    return verdict.may ? { says: `I will do this - ${verdict.says}.` } : refusalOf(verdict);
  }

  async #do(change: Change, who: string): Promise<Outcome | Refusal> {
    const { guard } = this.#deps;
    switch (change.kind) {
      case "act":
        return this.#act(botAction(change.action)!, who);
      case "pause":
        guard.order("pause", "", who, change.forMs);
        return done(`Automation is paused${spanOf(change.forMs)}.`);
      case "resume":
        return done(guard.lift("pause", "") ? "Automation goes on." : "It was not paused.");
      case "continue":
        return done(guard.lift("kill", "") ? "It goes on." : "The kill switch was not on.");
      case "maintain":
        if (change.forMs === undefined) {
          guard.lift("maintenance", change.target);
          return done(`${change.target} is looked after again.`);
        }
        guard.order("maintenance", change.target, who, change.forMs);
        return done(`${change.target} is left alone${spanOf(change.forMs)}.`);
      case "approve":
        return this.#approve(change.incident, who);
      case "undo":
        return refusal("nothing that was done can be taken back", "unsupported");
    }
  }

  async #act(action: BotAction, who: string): Promise<Outcome | Refusal> {
    const { bot, journal } = this.#deps;
    const asked = await bot.request(action, who);
    if ("refused" in asked) return refusal(asked.refused, "guard");
    const { id } = asked.incident;
    const last = journal.entries(id).findLast(({ kind }) => kind === "done" || kind === "failed");
    const says = `${action.edge}: ${last?.text ?? "under way"}`;
    return { ok: last?.kind === "done", says, incidentId: id };
  }

  /** The action that an incident waits with is the one behind those that were begun. */
  #approve(id: number, who: string): Outcome | Refusal {
    const { guard, journal } = this.#deps;
    const incident = journal.incident(id);
    if (incident?.closedUnixNano !== 0n)
      return refusal(`there is no open incident ${id}`, "unknown_target");
    guard.approve({ incidentId: id, action: incident.actions }, who, APPROVAL_MS);
    journal.note(id, "decided", `${who} agrees to the next action${spanOf(APPROVAL_MS)}`);
    return { ok: true, says: `Agreed: ${incident.title}.`, incidentId: id };
  }
}

/** What the loop can do of it; undefined: nothing. */
function botAction({ kind, target, ...rest }: Action): BotAction | undefined {
  const known = ACTION_KINDS.find((each) => each === kind);
  return known && Object.keys(rest).length === 0 ? { kind: known, edge: target } : undefined;
}

const refusal = (refused: string, because: string): Refusal => ({ refused, because });

const refusalOf = ({ says, because }: { says: string; because: string }) => refusal(says, because);

const unknown = (target: string) => refusal(`nothing is called ${target}`, "unknown_target");

const roleRefusal = ({ role }: Caller, needed: string) =>
  refusal(`it needs the role ${needed}, and yours is ${role}`, "role");

const done = (says: string): Outcome => ({ ok: true, says, incidentId: undefined });

function spanOf(forMs: number | undefined): string {
  if (forMs === undefined) return " until you say resume automation";
  return ` for ${Math.round(forMs / 60_000) || 1} min`;
}
