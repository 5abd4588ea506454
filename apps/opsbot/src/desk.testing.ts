/** A desk in memory: it obeys the rules of the port, and writes down what was changed instead of doing it. */
import { createHash } from "node:crypto";

import type { Clock } from "@glassline/service/clock";

import type { Action } from "./core/action.ts";
import { mayAs, roleFor } from "./core/access.ts";
import { FOREVER_MS } from "./core/guard.ts";
import type {
  Caller,
  Change,
  DeploymentView,
  Desk,
  Inventory,
  Outcome,
  Plan,
  Refusal,
  Story,
} from "./desk.ts";
import type { Observation } from "./observers/observer.ts";
import type { AuditRow } from "./stores/audit.ts";
import type { Order } from "./stores/guard-records.ts";
import type { EntryKind } from "./stores/incidents.ts";

const PLAN_MS = 600_000;
/** Planned changes stay known for idempotent applying. */
const PLANS_MAX = 1_000;

export const INVENTORY: Inventory = {
  edges: ["edge-1", "edge-2"],
  channels: ["cam-0001", "cam-0002"],
  links: ["node-1/node-2", "node-2/node-3"],
  collectors: ["collector-1", "collector-2"],
  overlays: ["overlay-a"],
  deployments: ["harbour"],
  machines: ["machine-1"],
  descriptions: ["harbour"],
};

export interface Changed {
  change: Change | { kind: "stop" };
  who: string;
}

export class MemoryDesk implements Desk {
  readonly #clock: Pick<Clock, "nowMs" | "nowUnixNano">;
  /** What was done, in order. */
  readonly changed: Changed[] = [];
  readonly stories: Story[] = [];
  readonly rows: AuditRow[] = [];
  readonly deployed: DeploymentView[] = [];
  seen: Observation[] = [];
  hindrance = "";
  /** Why targets are refused, by target. */
  readonly refusals = new Map<string, Refusal>();
  #orders: Order[] = [];
  readonly #plans = new Map<string, Plan & { outcome?: Outcome }>();

  constructor(clock: Pick<Clock, "nowMs" | "nowUnixNano">) {
    this.#clock = clock;
  }

  /** A problem that somebody has looked at. */
  openIncident(object: string, title: string, text = "seen"): number {
    const id = this.stories.length + 1;
    const incident = {
      id,
      object,
      check: "health",
      title,
      phase: "open" as const,
      actions: 0,
      openedUnixNano: this.#clock.nowUnixNano(),
      closedUnixNano: 0n,
    };
    this.stories.push({ incident, entries: [this.#entry("seen", text)] });
    return id;
  }

  inventory(): Inventory {
    return INVENTORY;
  }

  observations(): readonly Observation[] {
    return this.seen;
  }

  impediment(): string {
    return this.hindrance;
  }

  async orders(): Promise<readonly Order[]> {
    return this.#orders
      .filter(({ untilMs }) => untilMs > this.#clock.nowMs())
      .toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  }

  async countOpen() {
    return this.stories.filter(({ incident }) => incident.closedUnixNano === 0n).length;
  }

  async incidents(limit: number, openOnly: boolean) {
    const rows = this.stories
      .map(({ incident, entries }) => ({ ...incident, summary: entries.at(-1)?.text ?? "" }))
      .toReversed();
    return rows.filter((row) => !openOnly || row.closedUnixNano === 0n).slice(0, limit);
  }

  async story(incident: number): Promise<Story | undefined> {
    return this.stories[incident - 1];
  }

  async deployments(): Promise<readonly DeploymentView[]> {
    return this.deployed;
  }

  async deployment(channel: string): Promise<DeploymentView | undefined> {
    return this.deployed.find((one) => one.channel === channel);
  }

  async audit(afterSeq: number, limit: number): Promise<readonly AuditRow[]> {
    return this.rows.slice(afterSeq, afterSeq + limit);
  }

  async plan(change: Change, caller: Caller): Promise<Plan | Refusal> {
    const refusal = this.#refusalOf(change, caller);
    if (refusal) return refusal;
    const hash = hashOf([change, caller.who, this.rows.length]);
    const untilMs = this.#clock.nowMs() + PLAN_MS;
    const plan = { hash, change, says: `I will ${sentenceOf(change)}.`, untilMs };
    if (!this.#plans.has(hash)) this.#plans.set(hash, plan);
    if (this.#plans.size > PLANS_MAX) this.#plans.delete(this.#plans.keys().next().value!);
    return plan;
  }

  async apply(hash: string, caller: Caller): Promise<Outcome | Refusal> {
    const plan = this.#plans.get(hash);
    if (!plan || plan.untilMs <= this.#clock.nowMs())
      return { refused: "there is no such plan", because: "no_such_plan" };
    const refusal = this.#refusalOf(plan.change, caller);
    if (refusal) return refusal;
    // Twice the same is done once.
    return (plan.outcome ??= this.#do(plan.change, caller));
  }

  async stop(caller: Caller): Promise<void> {
    this.changed.push({ change: { kind: "stop" }, who: caller.who });
    this.#order({ kind: "kill", target: "", untilMs: FOREVER_MS, who: caller.who });
    this.#write(caller, "stop everything");
  }

  #refusalOf(change: Change, { role }: Caller): Refusal | undefined {
    const needed = roleFor(change);
    if (!mayAs(role, needed))
      return { refused: `it needs the role ${needed}, yours is ${role}`, because: "role" };
    const target = targetOf(change);
    const known = new Set(Object.values(INVENTORY).flat());
    if (target !== undefined && !known.has(target))
      return { refused: `nothing is called ${target}`, because: "unknown_target" };
    if (change.kind === "approve" && !this.stories[change.incident - 1])
      return {
        refused: `there is no open incident ${change.incident}`,
        because: "unknown_target",
      };
    return target === undefined ? undefined : this.refusals.get(target);
  }

  #do(change: Change, caller: Caller): Outcome {
    const { who } = caller;
    this.changed.push({ change, who });
    this.#write(caller, sentenceOf(change));
    this.#keepOrders(change, who);
    if (change.kind !== "act") return { ok: true, says: "Done.", incidentId: undefined };
    const { kind, target } = change.action;
    const incidentId = this.openIncident(target, `${target}: ${kind} asked for`);
    const { incident, entries } = this.stories[incidentId - 1]!;
    const done = [...entries, this.#entry("done", "7 objects forgotten")];
    const closedUnixNano = this.#clock.nowUnixNano();
    this.stories[incidentId - 1] = {
      incident: { ...incident, phase: "resolved", actions: 1, closedUnixNano },
      entries: done,
    };
    return { ok: true, says: `${target}: done.`, incidentId };
  }

  #keepOrders(change: Change, who: string): void {
    const nowMs = this.#clock.nowMs();
    const untilMs = "forMs" in change && change.forMs ? nowMs + change.forMs : FOREVER_MS;
    if (change.kind === "pause") this.#order({ kind: "pause", target: "", untilMs, who });
    if (change.kind === "resume") this.#lift("pause", "");
    if (change.kind === "continue") this.#lift("kill", "");
    if (change.kind !== "maintain") return;
    const { target, forMs } = change;
    if (forMs === undefined) this.#lift("maintenance", target);
    else this.#order({ kind: "maintenance", target, untilMs, who });
  }

  #order(order: Order): void {
    this.#lift(order.kind, order.target);
    this.#orders.push(order);
  }

  #lift(kind: Order["kind"], target: string): void {
    this.#orders = this.#orders.filter((order) => order.kind !== kind || order.target !== target);
  }

  #entry(kind: EntryKind, text: string) {
    return { timeUnixNano: this.#clock.nowUnixNano(), kind, text, idempotencyKey: "" };
  }

  #write({ who }: Caller, what: string): void {
    const before = this.rows.at(-1)?.hash ?? "";
    const row = {
      seq: this.rows.length + 1,
      timeUnixNano: this.#clock.nowUnixNano(),
      who,
      what,
      before: "",
      after: what,
    };
    this.rows.push({ ...row, hash: hashOf([before, row.seq, who, what]) });
  }
}

function hashOf(what: unknown): string {
  return createHash("sha256").update(JSON.stringify(what)).digest("hex");
}

function targetOf(change: Change): string | undefined {
  if (change.kind === "act") return change.action.target;
  return change.kind === "maintain" ? change.target : undefined;
}

/** "flush edge-1 (1 of 2 edges)" */
function sentenceOf(change: Change): string {
  const target = targetOf(change);
  if (change.kind === "act") return `${wordsOf(change.action)} (1 of 2 edges)`;
  return target === undefined ? change.kind : `${change.kind} ${target}`;
}

function wordsOf(action: Action): string {
  const about = "prefix" in action ? action.prefix : "channel" in action ? action.channel : "";
  return `${action.kind} ${action.target}${about ? `, ${about}` : ""}`;
}
