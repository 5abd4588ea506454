/** The guard at work: facts from the journal, from what is seen and from what people have ordered, and one judgement for all who ask. */
import type { Clock } from "@glassline/service/clock";

import type { Action } from "./core/action.ts";
import { describeAction } from "./core/action.ts";
import type { BudgetLeft } from "./core/budgets-left.ts";
import { FailureDomain } from "./core/failure-domain.ts";
import type { Facts, GuardLimits, Place, Proposal, Verdict } from "./core/guard.ts";
import { FOREVER_MS, judge } from "./core/guard.ts";
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
  /** Deployed channel whose viewers it serves. */
  channel?: string;
}

/** What the guard reads; within a transaction what was written in it counts. */
export type GuardReads = Omit<
  GuardRecords,
  "led" | "moveOn" | "begin" | "came" | "went" | "order" | "lift" | "approve"
>;

/** Who asks, and for what. */
export interface Asked extends Pick<Proposal, "by" | "runbook"> {
  /** Whose action it is, and which of them, counted from 0; a person's own has none. */
  step?: { incidentId: number; action: number };
}

export class Guard {
  readonly #deps: GuardDeps;
  readonly #targets: Map<string, Target>;
  readonly #domains = new Map<string, FailureDomain>();
  /** Of each target: what its checks have found that is not well. */
  readonly #troubles = new Map<string, Map<string, "critical" | "unknown">>();
  #startMs: number;
  readonly #startMonotonicMs: number;
  /** Of a storm that an earlier term has seen; as all times of storms, by the clock that nobody sets. */
  #earlierStormUntilMs = Number.NEGATIVE_INFINITY;

  constructor(deps: GuardDeps) {
    const { clock, targets } = deps;
    this.#deps = deps;
    this.#startMs = clock.nowMs();
    this.#startMonotonicMs = clock.monotonicMs();
    this.#targets = new Map(targets);
    for (const [name, target] of targets) this.#count(name, target);
  }

  /** Something more that may be acted upon; nothing happens when it is known. */
  learn(name: string, target: Target): void {
    if (this.#targets.has(name)) return;
    this.#targets.set(name, target);
    this.#count(name, target);
  }

  /** It is there no more. */
  forget(name: string): void {
    const domain = this.#domainOf(name);
    if (!this.#targets.delete(name) || !domain) return;
    domain.remove(name, this.#monotonicMs);
    this.#troubles.delete(name);
  }

  #count(name: string, { domain, channel }: Target): void {
    let known = this.#domains.get(domain);
    if (!known) this.#domains.set(domain, (known = new FailureDomain(domain, this.#deps.limits)));
    known.add(name, channel, this.#monotonicMs);
  }

  /**
   * Before the first judgement of a term. How long nobody led only a clock can tell that may have been set meanwhile: that time makes no
   * budget new, and ends no cool-down.
   */
  async begin(records: Pick<GuardRecords, "newestMs" | "led" | "moveOn">): Promise<void> {
    const newestMs = await records.newestMs();
    this.#startMs += Math.max(0, newestMs - this.nowMs);
    if (newestMs > 0) await records.moveOn(this.nowMs - newestMs);
    await this.goesOn(records);
  }

  /** Somebody leads: until now time counts. */
  goesOn(records: Pick<GuardRecords, "led">): Promise<void> {
    return records.led(this.nowMs);
  }

  /** Unix milliseconds by a clock that does not go back, nor leap while this process lives. */
  get nowMs(): number {
    return this.#startMs + this.#monotonicMs - this.#startMonotonicMs;
  }

  get #monotonicMs(): number {
    return this.#deps.clock.monotonicMs();
  }

  /** Takes in what a check has found. */
  saw({ object, check, state, hard, suppressed }: Observation): void {
    const domain = this.#domainOf(object);
    if (!domain || (state === "critical" && !hard)) return;
    let troubles = this.#troubles.get(object);
    if (!troubles) this.#troubles.set(object, (troubles = new Map()));
    if (state === "critical" || state === "unknown") troubles.set(check, state);
    else troubles.delete(check);
    // What is in a downtime, or known to a person, is no part of a storm.
    const isKnown = suppressed !== undefined;
    const alerting = !isKnown && troubles.values().some((trouble) => trouble === "critical");
    domain.saw(object, { healthy: troubles.size === 0, alerting }, this.#monotonicMs);
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
    const place = this.#domainOf(target)?.placeOf(target, this.#monotonicMs);
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

  /** A problem of an incident has come. */
  came(incidentId: number, records: Pick<GuardRecords, "came">): Promise<void> {
    return records.came(incidentId, this.nowMs);
  }

  /** It is over. */
  went(incidentId: number, records: Pick<GuardRecords, "went">): Promise<void> {
    return records.went(incidentId, this.nowMs);
  }

  /** A storm was called before this term, and its end was not seen: it holds as long as if it were over now. */
  stormWasCalled(): void {
    this.#earlierStormUntilMs = this.#monotonicMs + this.#deps.limits.storm.holdMs;
  }

  get isStormy(): boolean {
    return this.#stormLeftMs > 0;
  }

  get #stormLeftMs(): number {
    const nowMs = this.#monotonicMs;
    const all = this.#domains.values().map((domain) => domain.stormLeftMs(nowMs));
    return Math.max(this.#earlierStormUntilMs - nowMs, ...all);
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
      stormUntilMs: nowMs + this.#stormLeftMs,
      isKilled: orders.some(({ kind }) => kind === "kill"),
      pausedUntilMs: untilMs("pause", ""),
      maintenanceUntilMs: untilMs("maintenance", target),
    };
  }

  #domainOf(target: string): FailureDomain | undefined {
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
