/** The guard at work: facts from the journal, from what is seen and from what people have ordered, and one judgement for all who ask. */
import type { Clock } from "@glassline/service/clock";

import type { Action } from "./core/action.ts";
import { describeAction } from "./core/action.ts";
import type { BudgetLeft } from "./core/budgets-left.ts";
import type { Facts, GuardLimits, Place, Proposal, Verdict } from "./core/guard.ts";
import { FOREVER_MS, isStorm, judge } from "./core/guard.ts";
import { runbookOf } from "./core/runbooks/catalogue.ts";
import type { TargetKind } from "./core/runbooks/runbook.ts";
import type { Observation } from "./observers/observer.ts";
import type { GuardRecords, Order, OrderKind } from "./stores/guard-records.ts";

export interface GuardDeps {
  clock: Pick<Clock, "nowMs" | "monotonicMs">;
  limits: GuardLimits;
  targets: Targets;
  /** Actions to which a person has to agree. */
  approvals: ReadonlySet<Action["kind"]>;
}

/** What may be acted upon: what it is, and which of them fail together. */
export type Targets = ReadonlyMap<string, Target>;

export interface Target {
  kind: TargetKind;
  domain: string;
}

/** What the guard reads; within a transaction what was written in it counts. */
export type GuardReads = Omit<GuardRecords, "begin" | "order" | "lift" | "approve">;

/** Who asks, and for what. */
export interface Asked extends Pick<Proposal, "by" | "runbook"> {
  /** Whose action it is, and which of them, counted from 0; a person's own has none. */
  step?: { incidentId: number; action: number };
}

interface Domain {
  targets: number;
  healthy: Set<string>;
  /** When the problem of a target began. */
  alertingSinceMs: Map<string, number>;
}

export class Guard {
  readonly #deps: GuardDeps;
  readonly #targets: Map<string, Target>;
  readonly #domains = new Map<string, Domain>();
  /** Of each target: what its checks have found that is not well. */
  readonly #troubles = new Map<string, Map<string, "critical" | "unknown">>();
  #startMs: number;
  readonly #startMonotonicMs: number;
  #stormUntilMs = 0;

  constructor(deps: GuardDeps) {
    const { clock, targets } = deps;
    this.#deps = deps;
    this.#startMs = clock.nowMs();
    this.#startMonotonicMs = clock.monotonicMs();
    this.#targets = new Map(targets);
    for (const { domain } of targets.values()) this.#count(domain);
  }

  /** Something more that may be acted upon; nothing happens when it is known. */
  learn(name: string, target: Target): void {
    if (this.#targets.has(name)) return;
    this.#targets.set(name, target);
    this.#count(target.domain);
  }

  /** It is there no more. */
  forget(name: string): void {
    const domain = this.#domainOf(name);
    if (!this.#targets.delete(name) || !domain) return;
    domain.targets--;
    domain.healthy.delete(name);
    domain.alertingSinceMs.delete(name);
    this.#troubles.delete(name);
  }

  #count(domain: string): void {
    const known = this.#domains.get(domain);
    if (known) known.targets++;
    else this.#domains.set(domain, { targets: 1, healthy: new Set(), alertingSinceMs: new Map() });
  }

  /** Before the first judgement of a term: a clock that was set back does not make budgets new. */
  async begin(reads: GuardReads): Promise<void> {
    const newestMs = await reads.newestMs();
    this.#startMs += Math.max(0, newestMs - this.nowMs);
  }

  /** Unix milliseconds by a clock that does not go back, nor leap while this process lives. */
  get nowMs(): number {
    return this.#startMs + this.#deps.clock.monotonicMs() - this.#startMonotonicMs;
  }

  /** Takes in what a check has found. */
  saw({ object, check, state, hard, suppressed }: Observation): void {
    const domain = this.#domainOf(object);
    if (!domain || (state === "critical" && !hard)) return;
    let troubles = this.#troubles.get(object);
    if (!troubles) this.#troubles.set(object, (troubles = new Map()));
    if (state === "critical" || state === "unknown") troubles.set(check, state);
    else troubles.delete(check);
    if (troubles.size === 0) domain.healthy.add(object);
    else domain.healthy.delete(object);
    // What is in a downtime, or known to a person, is no part of a storm.
    const isKnown = suppressed !== undefined;
    const isAlerting = !isKnown && troubles.values().some((trouble) => trouble === "critical");
    if (!isAlerting) domain.alertingSinceMs.delete(object);
    else if (!domain.alertingSinceMs.has(object)) domain.alertingSinceMs.set(object, this.nowMs);
  }

  /** Names of all of a kind. */
  named(kind: TargetKind): string[] {
    return [...this.#targets].flatMap(([name, target]) => (target.kind === kind ? [name] : []));
  }

  kindOf(target: string): TargetKind | undefined {
    return this.#targetOf(target)?.kind;
  }

  /** Whether it may be begun now, by the targets that there are when it is asked. */
  async judge(action: Action, { by, runbook, step }: Asked, reads: GuardReads): Promise<Verdict> {
    const { limits, approvals } = this.#deps;
    const isMarked = step !== undefined && approvals.has(action.kind);
    const { blastRadius, targets: kind } = runbookOf(action);
    const target = this.kindOf(action.target) === kind ? action.target : "";
    const place = this.#placeOf(target);
    const proposal: Proposal = {
      target,
      action: action.kind,
      runbook,
      isDisruptive: blastRadius.isFelt,
      by,
      needsApproval: isMarked && !(await this.#isApproved(step, reads)),
    };
    const facts = await this.#facts(proposal, place, reads);
    const verdict = judge(proposal, facts, limits);
    const isStormy = facts.place !== undefined && isStorm(facts.place, limits);
    if (isStormy) this.#stormUntilMs = facts.nowMs + limits.storm.holdMs;
    if (verdict.may) return { may: true, says: this.#saying(action, facts) };
    return verdict.because === "unknown_target" ? unknownTarget(action, kind) : verdict;
  }

  /** Writes down that it was begun, with the intent. */
  async wrote(
    intent: { idempotencyKey: string; incidentId: number; action: Action },
    runbook: string,
    records: Pick<GuardRecords, "begin">,
  ): Promise<void> {
    const { target } = intent.action;
    const domain = this.#targetOf(target)?.domain ?? "";
    const isDisruptive = runbookOf(intent.action).blastRadius.isFelt;
    const about = { target, domain, runbook, isDisruptive, beganMs: this.nowMs };
    await records.begin(intent, about);
  }

  get isStormy(): boolean {
    return this.nowMs < this.#stormUntilMs;
  }

  /** Those that hold. */
  async orders(reads: GuardReads): Promise<readonly Order[]> {
    return (await reads.orders()).filter(({ untilMs }) => untilMs > this.nowMs);
  }

  /** @param forMs how long; without an end when it is left out. */
  async order(
    { kind, target, who }: Pick<Order, "kind" | "target" | "who">,
    records: GuardRecords,
    forMs = FOREVER_MS,
  ): Promise<void> {
    const untilMs = Math.min(FOREVER_MS, this.nowMs + forMs);
    await records.order({ kind, target, untilMs, who });
  }

  /** @returns whether there was one. */
  async lift(kind: OrderKind, target: string, records: GuardRecords): Promise<boolean> {
    const had = (await this.orders(records)).some(
      (order) => order.kind === kind && order.target === target,
    );
    await records.lift(kind, target);
    return had;
  }

  async approve(
    step: NonNullable<Asked["step"]>,
    who: string,
    forMs: number,
    records: GuardRecords,
  ): Promise<void> {
    const untilMs = this.nowMs + forMs;
    await records.approve(step.incidentId, step.action, { untilMs, who }, this.nowMs);
  }

  /** What each budget has left: of all together, and of those of which something was used. */
  async budgetsLeft(reads: GuardReads): Promise<BudgetLeft[]> {
    const { budgets, budgetWindowMs } = this.#deps.limits;
    const sinceMs = this.nowMs - budgetWindowMs;
    const begun = (await reads.begun(sinceMs)).filter(({ beganMs }) => beganMs > sinceMs);
    const used = (scope: "target" | "runbook" | "domain") =>
      [...Map.groupBy(begun, (one) => one[scope])].map(([name, all]) => ({
        scope,
        name,
        left: Math.max(0, budgets[scope] - all.length),
      }));
    const left = Math.max(0, budgets.global - begun.length);
    return [
      { scope: "global", name: "", left },
      ...(["target", "runbook", "domain"] as const).flatMap(used),
    ];
  }

  async #isApproved(
    { incidentId, action }: NonNullable<Asked["step"]>,
    reads: GuardReads,
  ): Promise<boolean> {
    return (await reads.approvedUntilMs(incidentId, action)) > this.nowMs;
  }

  #saying(action: Action, { place }: Facts): string {
    return `${describeAction(action)} (1 of ${place!.targets})`;
  }

  async #facts(
    { target, runbook }: Proposal,
    place: Place | undefined,
    reads: GuardReads,
  ): Promise<Facts> {
    const { limits } = this.#deps;
    const { nowMs } = this;
    const longestMs = Math.max(limits.budgetWindowMs, limits.disruptionWindowMs);
    const problems = await reads.problems(target, runbook, nowMs - limits.flapping.windowMs);
    const orders = await reads.orders();
    const untilMs = (kind: OrderKind, of: string) =>
      orders.find((one) => one.kind === kind && one.target === of)?.untilMs ?? 0;
    return {
      nowMs,
      place,
      begun: await reads.begun(nowMs - longestMs),
      problemsLately: problems.count,
      endedMs: problems.endedMs,
      stormUntilMs: this.#stormUntilMs,
      isKilled: orders.some(({ kind }) => kind === "kill"),
      pausedUntilMs: untilMs("pause", ""),
      maintenanceUntilMs: untilMs("maintenance", target),
    };
  }

  #placeOf(target: string): Place | undefined {
    const domain = this.#domainOf(target);
    if (!domain) return undefined;
    const { targets, healthy, alertingSinceMs } = domain;
    const sinceMs = this.nowMs - this.#deps.limits.storm.windowMs;
    const isHealthy = healthy.has(target);
    return {
      domain: this.#targetOf(target)!.domain,
      targets,
      isHealthy,
      healthyOthers: healthy.size - (isHealthy ? 1 : 0),
      alerting: alertingSinceMs.values().reduce((sum, ms) => sum + (ms > sinceMs ? 1 : 0), 0),
    };
  }

  #domainOf(target: string): Domain | undefined {
    const name = this.#targetOf(target)?.domain;
    return name === undefined ? undefined : this.#domains.get(name);
  }

  /** A link is known by either of its nodes: "node-1/node-2". */
  #targetOf(target: string) {
    const targets = this.#targets;
    const known = targets.get(target);
    if (known || !target.includes("/")) return known;
    const [one = "", other = "", ...more] = target.split("/");
    const isLink = targets.get(one)?.kind === "link" && targets.get(other)?.kind === "link";
    return isLink && more.length === 0 && one !== other ? targets.get(one) : undefined;
  }
}

function unknownTarget({ target }: Action, kind: TargetKind): Verdict {
  const got = target === "" ? "nothing" : JSON.stringify(target);
  return {
    may: false,
    because: "unknown_target",
    says: `target: got ${got}, expected the name of ${kind === "edge" || kind === "overlay" ? "an" : "a"} ${kind}`,
  };
}
