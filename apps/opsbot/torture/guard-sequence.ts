/** One sequence: alerts, commands, orders and failovers as they come, on one guard after another with the same records. */
import type { Clock } from "@glassline/service/clock";

import type { State } from "../src/core/check-state.ts";
import type { Action } from "../src/core/action.ts";
import type { Because, GuardLimits } from "../src/core/guard.ts";
import { GUARD_LIMITS } from "../src/core/guard.ts";
import { runbookOf } from "../src/core/runbooks/catalogue.ts";
import { Guard } from "../src/guard.ts";
import type { Journal } from "../src/stores/journal.ts";
import { journalIn } from "../src/stores/journal.ts";
import type { Database } from "../src/stores/sql.ts";
import { Alerts } from "./alerts.ts";
import type { Happened } from "./history.ts";

/** Small, so that each is met in a short sequence. */
export const LIMITS: GuardLimits = {
  ...GUARD_LIMITS,
  budgetWindowMs: 60_000,
  budgets: { target: 3, runbook: 8, domain: 10, global: 12 },
  disruptionWindowMs: 10_000,
  coolDownMs: 2_000,
  flapping: { problems: 4, windowMs: 60_000 },
  storm: { share: 0.3, least: 3, windowMs: 5_000, holdMs: 5_000 },
};
export const SIZES: ReadonlyMap<string, number> = new Map([
  ["hall-1", 3],
  ["hall-2", 24],
]);
/** Targets of hall-2 that serve a channel, by its name; how many. */
const CHANNELS = { harbour: 2, quay: 3 };
/** Of those that serve the same viewers. */
export const SERVING: ReadonlyMap<string, number> = new Map([
  ["hall-1", 3],
  ["hall-2", 24 - CHANNELS.harbour - CHANNELS.quay],
  ...Object.entries(CHANNELS),
]);
const CHANNEL_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(CHANNELS)
    .flatMap(([channel, size]) => Array.from({ length: size }, () => channel))
    .map((channel, at) => [`hall-2-${at}`, channel]),
);
const DOMAINS: ReadonlyMap<string, string> = new Map(
  [...SIZES].flatMap(([domain, size]) =>
    Array.from({ length: size }, (_, at) => [`${domain}-${at}`, domain] as const),
  ),
);
const PLACES = new Map(
  [...DOMAINS].map(([target, domain]) => {
    const channel = CHANNEL_OF.get(target);
    return [target, { kind: "edge" as const, domain, ...(channel && { channel }) }];
  }),
);
const servedBy = (target: string) => CHANNEL_OF.get(target) ?? DOMAINS.get(target) ?? "";
const TARGETS = [...DOMAINS.keys(), "", "edge-nobody-knows"];
const KINDS = ["restart", "prime", "flush", "re-route", "fail-over"] as const;
const CHECKS = ["health", "freshness", "hit-rate"];
const STEPS = 40;
const START_MS = Date.UTC(2026, 0, 1);
const PASS_MAX_MS = 4_000;
const PAUSE_MS = 5_000;
const CLOCK_SET_MS = 3_600_000;
const MS_NANO = 1_000_000n;

export interface Played {
  happened: Happened[];
  asked: number;
  refused: Partial<Record<Because, number>>;
  failovers: number;
  problems: string[];
}

/** @param database with the journal's schema; what is in it of others is not looked at. */
export function playSequence(database: Database, random: () => number): Promise<Played> {
  return new Sequence(database, random).play();
}

class Sequence {
  readonly #journal: Journal;
  readonly #random: () => number;
  readonly #played: Played = { happened: [], asked: 0, refused: {}, failovers: 0, problems: [] };
  /** Of the sequence, and what a machine's clock shows beside it. */
  #nowMs = START_MS;
  #clockOffMs = 0;
  #guard: Guard;
  #alerts = new Alerts(LIMITS.storm, SIZES);
  #isKilled = false;
  #pausedUntilMs = 0;
  #underWay: { incidentId: number; happened: Happened }[] = [];

  constructor(database: Database, random: () => number) {
    this.#journal = journalIn(database, () => this.#nowUnixNano);
    this.#random = random;
    this.#guard = this.#newGuard();
  }

  async play(): Promise<Played> {
    await this.#beginTerm();
    for (let step = 0; step < STEPS; step++) {
      this.#nowMs += Math.floor(this.#random() * PASS_MAX_MS);
      await this.#endSome();
      await this.#step();
    }
    for (const { happened } of this.#underWay) happened.endedMs = Number.POSITIVE_INFINITY;
    return this.#played;
  }

  get #nowUnixNano(): bigint {
    return BigInt(this.#nowMs + this.#clockOffMs) * MS_NANO;
  }

  async #step(): Promise<void> {
    const chance = this.#random();
    if (chance < 0.22) this.#hear(this.#oneOf(TARGETS), this.#oneOf(["ok", "critical", "unknown"]));
    else if (chance < 0.25) this.#fail(this.#oneOf([...SIZES.keys()]));
    else if (chance < 0.85) await this.#ask();
    else if (chance < 0.95) await this.#order();
    else await this.#failOver();
  }

  /** A whole domain. */
  #fail(domain: string): void {
    for (const [target, own] of DOMAINS) if (own === domain) this.#hear(target, "critical");
  }

  /** A check finds something of a target. */
  #hear(object: string, state: State): void {
    const check = this.#oneOf(CHECKS);
    const hard = this.#random() < 0.8;
    this.#tell(object, check, state, hard);
    const domain = DOMAINS.get(object);
    // A critical one that is not believed yet is not one.
    if (domain !== undefined && (hard || state !== "critical"))
      this.#alerts.found(domain, object, check, state, this.#nowMs);
  }

  #tell(object: string, check: string, state: State, hard: boolean): void {
    const unixNano = this.#nowUnixNano;
    this.#guard.saw({
      object,
      check,
      state,
      hard,
      output: "",
      attempt: 1,
      maxAttempts: 1,
      sinceUnixNano: unixNano,
      lastCheckedUnixNano: unixNano,
    });
  }

  /** An alert or a person wants something to be done. */
  async #ask(): Promise<void> {
    const action: Action = { kind: this.#oneOf(KINDS), target: this.#oneOf(TARGETS) };
    const by = this.#random() < 0.7 ? "alert" : "person";
    const runbook = by === "alert" ? this.#oneOf(CHECKS) : "request";
    if (await this.#journal.openIncidentOf(action.target, runbook)) return;
    this.#played.asked++;
    const verdict = await this.#guard.judge(action, { by, runbook }, this.#journal.guard);
    if (!verdict.may) {
      const { refused } = this.#played;
      refused[verdict.because] = (refused[verdict.because] ?? 0) + 1;
      return;
    }
    this.#mustBeAllowed(action, by);
    await this.#begin(action, runbook);
  }

  #mustBeAllowed(action: Action, by: "alert" | "person"): void {
    const { problems } = this.#played;
    const { target } = action;
    if (runbookOf(action).blastRadius.isFelt && this.#isLastHealthy(target))
      problems.push(`${target} was the last healthy one of ${servedBy(target)}`);
    if (!DOMAINS.has(target))
      problems.push(`target: got ${JSON.stringify(target)}, which there is not`);
    if (this.#isKilled) problems.push("something was begun while the kill switch was on");
    if (by === "alert" && this.#nowMs < this.#pausedUntilMs)
      problems.push("automation went on while it was paused");
    if (by === "alert" && this.#alerts.isStormy(this.#nowMs))
      problems.push("automation went on while those that alerted together still did");
  }

  #isLastHealthy(target: string): boolean {
    const isHealthy = (one: string) => this.#alerts.isHealthy(DOMAINS.get(one) ?? "", one);
    const isUnknown = !this.#alerts.isKnown(DOMAINS.get(target) ?? "", target);
    const peers = [...DOMAINS.keys()].filter((one) => servedBy(one) === servedBy(target));
    const mayServe = isUnknown || isHealthy(target);
    return mayServe && !peers.some((one) => one !== target && isHealthy(one));
  }

  async #begin(action: Action, runbook: string): Promise<void> {
    const { target } = action;
    const incidentId = await this.#journal.transact(async (records) => {
      const incident = await records.openIncident(
        { object: target, check: runbook, title: "" },
        "",
      );
      const intent = await records.intend(incident, action, "");
      await this.#guard.came(incident.id, records.guard);
      await this.#guard.wrote(intent, runbook, records.guard);
      return incident.id;
    });
    const happened: Happened = {
      target,
      domain: DOMAINS.get(target) ?? "",
      serves: servedBy(target),
      runbook,
      isDisruptive: runbookOf(action).blastRadius.isFelt,
      atMs: this.#nowMs,
      endedMs: Number.POSITIVE_INFINITY,
    };
    this.#played.happened.push(happened);
    this.#underWay.push({ incidentId, happened });
  }

  /** Some of what is under way comes to its end. */
  async #endSome(): Promise<void> {
    const ended = this.#underWay.filter(() => this.#random() >= 0.6);
    if (ended.length === 0) return;
    this.#underWay = this.#underWay.filter((one) => !ended.includes(one));
    for (const { happened } of ended) happened.endedMs = this.#nowMs;
    await this.#journal.transact(async (records) => {
      for (const { incidentId } of ended) {
        await records.turn(incidentId, "resolved");
        await this.#guard.went(incidentId, records.guard);
      }
    });
  }

  async #order(): Promise<void> {
    const chance = this.#random();
    await this.#journal.transact<unknown>(({ guard: records }) => {
      const pause = { kind: "pause", target: "", who: "somebody" } as const;
      if (chance < 0.3) return this.#guard.order({ ...pause, kind: "kill" }, records);
      if (chance < 0.6) return this.#guard.lift("kill", "", records);
      if (chance < 0.8) return this.#guard.order(pause, records, PAUSE_MS);
      return this.#guard.lift("pause", "", records);
    });
    if (chance < 0.6) this.#isKilled = chance < 0.3;
    else this.#pausedUntilMs = chance < 0.8 ? this.#nowMs + PAUSE_MS : 0;
  }

  /** Another process takes over; the clock may have been set. */
  async #failOver(): Promise<void> {
    this.#played.failovers++;
    const set = this.#random();
    if (set < 0.3) this.#clockOffMs -= Math.floor(this.#random() * CLOCK_SET_MS);
    else if (set < 0.6) this.#clockOffMs += Math.floor(this.#random() * CLOCK_SET_MS);
    this.#guard = this.#newGuard();
    this.#alerts = this.#alerts.seenAnew(this.#nowMs);
    for (const { target, check, state } of this.#alerts.known())
      this.#tell(target, check, state, true);
    await this.#beginTerm();
  }

  #beginTerm(): Promise<void> {
    return this.#journal.transact(({ guard: records }) => this.#guard.begin(records));
  }

  #newGuard(): Guard {
    const clockOffMs = this.#clockOffMs;
    const clock: Pick<Clock, "nowMs" | "monotonicMs"> = {
      nowMs: () => this.#nowMs + clockOffMs,
      monotonicMs: () => this.#nowMs,
    };
    return new Guard({
      clock,
      limits: LIMITS,
      targets: PLACES,
      approvals: new Set(),
    });
  }

  #oneOf<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)]!;
  }
}
