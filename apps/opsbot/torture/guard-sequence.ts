/** One sequence: alerts, commands, orders and failovers as they come, on one guard after another with the same records. */
import type { DatabaseSync } from "node:sqlite";

import type { Clock } from "@glassline/service/clock";

import type { State } from "../src/core/check-state.ts";
import type { Action } from "../src/core/decide.ts";
import { ACTION_KINDS, isDisruptive } from "../src/core/decide.ts";
import type { Because, GuardLimits } from "../src/core/guard.ts";
import { GUARD_LIMITS } from "../src/core/guard.ts";
import { Guard } from "../src/guard.ts";
import type { Journal } from "../src/stores/journal.ts";
import { journalIn } from "../src/stores/journal.ts";
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
const DOMAINS: ReadonlyMap<string, string> = new Map(
  [...SIZES].flatMap(([domain, size]) =>
    Array.from({ length: size }, (_, at) => [`${domain}-${at}`, domain] as const),
  ),
);
const TARGETS = [...DOMAINS.keys(), "", "edge-nobody-knows"];
const CHECKS = ["health", "freshness", "hit-rate"];
const STEPS = 40;
const START_MS = Date.UTC(2026, 0, 1);
const PASS_MAX_MS = 4_000;
const CLOCK_SET_MS = 3_600_000;
const MS_NANO = 1_000_000n;

export interface Played {
  happened: Happened[];
  asked: number;
  refused: Partial<Record<Because, number>>;
  failovers: number;
  problems: string[];
}

/** @param database an empty one, with the journal's schema. */
export function playSequence(database: DatabaseSync, random: () => number): Played {
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
  #isKilled = false;
  #pausedUntilMs = 0;
  #underWay: { incidentId: number; happened: Happened }[] = [];

  constructor(database: DatabaseSync, random: () => number) {
    this.#journal = journalIn(database, () => this.#nowUnixNano);
    this.#random = random;
    this.#guard = this.#newGuard();
  }

  play(): Played {
    for (let step = 0; step < STEPS; step++) {
      this.#nowMs += Math.floor(this.#random() * PASS_MAX_MS);
      this.#endSome();
      this.#step();
    }
    for (const { happened } of this.#underWay) happened.endedMs = Number.POSITIVE_INFINITY;
    return this.#played;
  }

  get #nowUnixNano(): bigint {
    return BigInt(this.#nowMs + this.#clockOffMs) * MS_NANO;
  }

  #step(): void {
    const chance = this.#random();
    if (chance < 0.22) this.#hear(this.#oneOf(TARGETS), this.#oneOf(["ok", "critical", "unknown"]));
    else if (chance < 0.25) this.#fail(this.#oneOf([...SIZES.keys()]));
    else if (chance < 0.85) this.#ask();
    else if (chance < 0.95) this.#order();
    else this.#failOver();
  }

  /** A whole domain. */
  #fail(domain: string): void {
    for (const [target, own] of DOMAINS) if (own === domain) this.#hear(target, "critical");
  }

  /** A check finds something of a target. */
  #hear(object: string, state: State): void {
    const unixNano = this.#nowUnixNano;
    this.#guard.saw({
      object,
      check: this.#oneOf(CHECKS),
      state,
      hard: this.#random() < 0.8,
      output: "",
      attempt: 1,
      maxAttempts: 1,
      sinceUnixNano: unixNano,
      lastCheckedUnixNano: unixNano,
    });
  }

  /** An alert or a person wants something to be done. */
  #ask(): void {
    const action: Action = { kind: this.#oneOf(ACTION_KINDS), edge: this.#oneOf(TARGETS) };
    const by = this.#random() < 0.7 ? "alert" : "person";
    const runbook = by === "alert" ? this.#oneOf(CHECKS) : "request";
    if (this.#journal.openIncidentOf(action.edge, runbook)) return;
    this.#played.asked++;
    const verdict = this.#guard.judge(action, { by, runbook });
    if (!verdict.may) {
      const { refused } = this.#played;
      refused[verdict.because] = (refused[verdict.because] ?? 0) + 1;
      return;
    }
    this.#mustBeAllowed(action, by);
    this.#begin(action, runbook);
  }

  #mustBeAllowed({ edge }: Action, by: "alert" | "person"): void {
    const { problems } = this.#played;
    if (!DOMAINS.has(edge))
      problems.push(`target: got ${JSON.stringify(edge)}, which there is not`);
    if (this.#isKilled) problems.push("something was begun while the kill switch was on");
    if (by === "alert" && this.#nowMs < this.#pausedUntilMs)
      problems.push("automation went on while it was paused");
  }

  #begin(action: Action, runbook: string): void {
    const { edge } = action;
    const row = { object: edge, check: runbook, title: "" };
    const { id } = this.#journal.openIncident(row, "");
    const intent = this.#journal.intend(id, action, "");
    this.#guard.begin(intent, runbook);
    const happened: Happened = {
      target: edge,
      domain: DOMAINS.get(edge) ?? "",
      runbook,
      isDisruptive: isDisruptive(action),
      atMs: this.#nowMs,
      endedMs: Number.POSITIVE_INFINITY,
    };
    this.#played.happened.push(happened);
    this.#underWay.push({ incidentId: id, happened });
  }

  /** Some of what is under way comes to its end. */
  #endSome(): void {
    this.#underWay = this.#underWay.filter(({ incidentId, happened }) => {
      if (this.#random() < 0.6) return true;
      this.#journal.turn(incidentId, "resolved");
      happened.endedMs = this.#nowMs;
      return false;
    });
  }

  #order(): void {
    const chance = this.#random();
    if (chance < 0.3) {
      this.#guard.order("kill", "", "somebody");
      this.#isKilled = true;
    } else if (chance < 0.6) {
      this.#guard.lift("kill", "");
      this.#isKilled = false;
    } else if (chance < 0.8) {
      this.#guard.order("pause", "", "somebody", 5_000);
      this.#pausedUntilMs = this.#nowMs + 5_000;
    } else {
      this.#guard.lift("pause", "");
      this.#pausedUntilMs = 0;
    }
  }

  /** Another process takes over; the clock may have been set back. One that is set forward is believed: time may have passed. */
  #failOver(): void {
    this.#played.failovers++;
    if (this.#random() < 0.3) this.#clockOffMs -= Math.floor(this.#random() * CLOCK_SET_MS);
    this.#guard = this.#newGuard();
  }

  #newGuard(): Guard {
    const clockOffMs = this.#clockOffMs;
    const clock: Pick<Clock, "nowMs" | "monotonicMs"> = {
      nowMs: () => this.#nowMs + clockOffMs,
      monotonicMs: () => this.#nowMs,
    };
    return new Guard({
      records: this.#journal.guard,
      clock,
      limits: LIMITS,
      domains: DOMAINS,
      approvals: new Set(),
    });
  }

  #oneOf<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)]!;
  }
}
