/** The guard at work: facts from the journal, from what is seen and from what people have ordered, and one judgement for all who ask. */
import type { Clock } from "@glassline/service/clock";

import type { Action } from "./core/decide.ts";
import { describeAction, isDisruptive } from "./core/decide.ts";
import type { Facts, GuardLimits, Place, Proposal, Verdict } from "./core/guard.ts";
import { FOREVER_MS, isStorm, judge } from "./core/guard.ts";
import type { Observation } from "./observers/observer.ts";
import type { GuardRecords, Order, OrderKind } from "./stores/guard-records.ts";

export interface GuardDeps {
  records: GuardRecords;
  clock: Pick<Clock, "nowMs" | "monotonicMs">;
  limits: GuardLimits;
  /** All that may be acted upon, each with those that fail together with it. */
  domains: ReadonlyMap<string, string>;
  /** Actions to which a person has to agree. */
  approvals: ReadonlySet<Action["kind"]>;
}

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
  readonly #domains = new Map<string, Domain>();
  /** Of each target: what its checks have found that is not well. */
  readonly #troubles = new Map<string, Map<string, "critical" | "unknown">>();
  readonly #startMs: number;
  readonly #startMonotonicMs: number;
  #orders: readonly Order[];
  #stormUntilMs = 0;

  constructor(deps: GuardDeps) {
    const { records, clock, domains } = deps;
    this.#deps = deps;
    this.#orders = records.orders();
    // A clock that was set back does not make budgets new.
    this.#startMs = Math.max(clock.nowMs(), records.newestMs());
    this.#startMonotonicMs = clock.monotonicMs();
    for (const domain of domains.values()) {
      const known = this.#domains.get(domain);
      if (known) known.targets++;
      else
        this.#domains.set(domain, { targets: 1, healthy: new Set(), alertingSinceMs: new Map() });
    }
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

  /** Whether it may be begun now. */
  judge(action: Action, { by, runbook, step }: Asked): Verdict {
    const { limits, approvals } = this.#deps;
    const needsApproval =
      step !== undefined && approvals.has(action.kind) && !this.#isApproved(step);
    const proposal: Proposal = {
      target: action.edge,
      action: action.kind,
      runbook,
      isDisruptive: isDisruptive(action),
      by,
      needsApproval,
    };
    const facts = this.#facts(proposal);
    const verdict = judge(proposal, facts, limits);
    const isStormy = facts.place !== undefined && isStorm(facts.place, limits);
    if (isStormy) this.#stormUntilMs = facts.nowMs + limits.storm.holdMs;
    return verdict.may
      ? { may: true, says: `${describeAction(action)} (1 of ${facts.place!.targets})` }
      : verdict;
  }

  /** Writes down that it was begun, with the intent. */
  begin(
    intent: { idempotencyKey: string; incidentId: number; action: Action },
    runbook: string,
  ): void {
    const { records, domains } = this.#deps;
    const { action } = intent;
    const target = action.edge;
    const domain = domains.get(target) ?? "";
    const about = { target, domain, runbook, isDisruptive: isDisruptive(action) };
    records.begin(intent, { ...about, beganMs: this.nowMs });
  }

  get isKilled(): boolean {
    return this.#orders.some(({ kind }) => kind === "kill");
  }

  get isStormy(): boolean {
    return this.nowMs < this.#stormUntilMs;
  }

  /** Those that hold. */
  get orders(): readonly Order[] {
    return this.#orders.filter(({ untilMs }) => untilMs > this.nowMs);
  }

  /** @param forMs how long; without an end when it is left out. */
  order(kind: OrderKind, target: string, who: string, forMs = FOREVER_MS): void {
    const untilMs = Math.min(FOREVER_MS, this.nowMs + forMs);
    this.#deps.records.order({ kind, target, untilMs, who });
    this.#orders = this.#deps.records.orders();
  }

  /** @returns whether there was one. */
  lift(kind: OrderKind, target: string): boolean {
    const had = this.orders.some((order) => order.kind === kind && order.target === target);
    this.#deps.records.lift(kind, target);
    this.#orders = this.#deps.records.orders();
    return had;
  }

  approve(step: NonNullable<Asked["step"]>, who: string, forMs: number): void {
    const untilMs = this.nowMs + forMs;
    this.#deps.records.approve(step.incidentId, step.action, { untilMs, who }, this.nowMs);
  }

  #isApproved({ incidentId, action }: NonNullable<Asked["step"]>): boolean {
    return this.#deps.records.approvedUntilMs(incidentId, action) > this.nowMs;
  }

  #facts({ target, runbook }: Proposal): Facts {
    const { records, limits } = this.#deps;
    const { nowMs } = this;
    const longestMs = Math.max(limits.budgetWindowMs, limits.disruptionWindowMs);
    const { count, endedMs } = records.problems(target, runbook, nowMs - limits.flapping.windowMs);
    return {
      nowMs,
      place: this.#placeOf(target),
      begun: records.begun(nowMs - longestMs),
      problemsLately: count,
      endedMs,
      stormUntilMs: this.#stormUntilMs,
      isKilled: this.isKilled,
      pausedUntilMs: this.#orderedUntilMs("pause", ""),
      maintenanceUntilMs: this.#orderedUntilMs("maintenance", target),
    };
  }

  #placeOf(target: string): Place | undefined {
    const domain = this.#domainOf(target);
    if (!domain) return undefined;
    const { targets, healthy, alertingSinceMs } = domain;
    const sinceMs = this.nowMs - this.#deps.limits.storm.windowMs;
    const isHealthy = healthy.has(target);
    return {
      domain: this.#deps.domains.get(target)!,
      targets,
      isHealthy,
      healthyOthers: healthy.size - (isHealthy ? 1 : 0),
      alerting: alertingSinceMs.values().reduce((sum, ms) => sum + (ms > sinceMs ? 1 : 0), 0),
    };
  }

  #domainOf(target: string): Domain | undefined {
    const name = this.#deps.domains.get(target);
    return name === undefined ? undefined : this.#domains.get(name);
  }

  #orderedUntilMs(kind: OrderKind, target: string): number {
    const order = this.#orders.find((one) => one.kind === kind && one.target === target);
    return order?.untilMs ?? 0;
  }
}
