/** Plays a recorded incident on today's runbooks: the real loop and guard, a journal in memory, time that is turned; effects answer as they did. */
import { DatabaseSync } from "node:sqlite";

import type { Clock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";

import { Bot } from "./bot.ts";
import type { State } from "./core/check-state.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import type { RecordedLine, Recording } from "./core/recording.ts";
import { countOf } from "./core/recording.ts";
import { RUNBOOKS } from "./core/runbooks/catalogue.ts";
import type { Runbook } from "./core/runbooks/runbook.ts";
import { Guard } from "./guard.ts";
import { opsBotMetrics } from "./metrics.ts";
import type { Observation } from "./observers/observer.ts";
import type { EntryRow } from "./stores/incidents.ts";
import type { Intent } from "./stores/intents.ts";
import type { Journal } from "./stores/journal.ts";
import { beginTerm, journalIn } from "./stores/journal.ts";
import { schemaOf } from "./stores/schema.ts";
import { SQLITE, sqliteDatabase } from "./stores/sqlite.ts";

/** Between two results of the check. */
const STEP_MS = 1_000;
/** What did not end is looked at so long after its last line. */
const TAIL_MS = 60_000;
/** What did: what was done for a while is taken back first. */
const END_MS = 10_000;

/** @param clock simulated; only this turns it. @returns the story as it would be today. */
export async function replay(
  recording: Recording,
  clock: Clock & { advance(lengthMs: number): Promise<void> },
): Promise<readonly Pick<EntryRow, "kind" | "text">[]> {
  const stop = new AbortController();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => stop.abort());
  const database = stack.use(sqliteDatabase(memory()));
  await database.transactAnyway((sql) => beginTerm(sql, 1));
  const journal = journalIn(database, () => clock.nowUnixNano());
  const scene = new Scene(recording, clock);
  const guard = guardOf(recording, clock);
  for (const observation of scene.siblings()) guard.saw(observation);
  const bot = new Bot({
    observer: scene,
    guard,
    journal,
    wish: async (action) => action,
    effect: (intent) => scene.effect(intent),
    clock,
    logger: createLogger("replay", "silent"),
    metrics: opsBotMetrics(createMetrics("replay")),
    verifyMs: recording.verifyMs,
    signal: stop.signal,
  });
  await bot.start();
  for (let passedMs = 0; passedMs <= scene.lengthMs; passedMs += STEP_MS) {
    const observation = scene.now();
    guard.saw(observation);
    await bot.hear(observation, "none");
    await clock.advance(STEP_MS);
  }
  return await storyOf(journal);
}

async function storyOf(journal: Journal) {
  return journal.entries((await journal.incidents(1, false))[0]?.id ?? 0);
}

function memory(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  database.exec(schemaOf(SQLITE));
  return database;
}

function guardOf({ object, check, lines }: Recording, clock: Clock): Guard {
  const answers = ({ triggers }: Runbook) => triggers.some((each) => each.check === check);
  const kind = RUNBOOKS.find(answers)?.targets ?? "edge";
  const names = [object, ...Array.from({ length: countOf(lines) - 1 }, (_, at) => siblingName(at))];
  const targets = new Map(names.map((name) => [name, { kind, domain: "recorded" }]));
  return new Guard({ clock, limits: GUARD_LIMITS, targets, approvals: new Set() });
}

const siblingName = (at: number) => `sibling-${at + 1}`;

/** What was seen, and what answered. */
class Scene {
  readonly #recording: Recording;
  readonly #clock: Clock;
  readonly #startMs: number;
  /** Results of effects, with how long each took. */
  readonly #results: { line: RecordedLine; tookMs: number }[];

  constructor(recording: Recording, clock: Clock) {
    this.#recording = recording;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#results = resultsOf(recording.lines);
  }

  get lengthMs(): number {
    return this.#recording.lines.at(-1)!.afterMs + (this.#endMs === undefined ? TAIL_MS : END_MS);
  }

  /** When it was well again. */
  get #endMs(): number | undefined {
    return this.#recording.lines.find(({ kind }) => kind === "verified")?.afterMs;
  }

  siblings(): Observation[] {
    const { check, lines } = this.#recording;
    return Array.from({ length: countOf(lines) - 1 }, (_, at) =>
      this.#observation(siblingName(at), check, "ok", "it is well"),
    );
  }

  now(): Observation {
    const { object, check, lines } = this.#recording;
    const isOver = this.#clock.nowMs() - this.#startMs >= (this.#endMs ?? Infinity);
    const output = lines[0]!.text.replace(`${check}: `, "");
    return this.#observation(
      object,
      check,
      isOver ? "ok" : "critical",
      isOver ? "it is well" : output,
    );
  }

  observations(): Observation[] {
    return [this.now(), ...this.siblings()];
  }

  async look(): Promise<Observation> {
    return this.now();
  }

  /** The next result that there was; what was not done then is not known to help. */
  async effect({ action }: Intent): Promise<string> {
    const next = this.#results.shift();
    if (!next) return `${action.kind} was not done then`;
    await this.#clock.sleep(next.tookMs);
    if (next.line.kind === "failed") throw new Error(next.line.text);
    return next.line.text;
  }

  #observation(object: string, check: string, state: State, output: string): Observation {
    const nowUnixNano = this.#clock.nowUnixNano();
    return {
      object,
      check,
      state,
      output,
      hard: true,
      attempt: 1,
      maxAttempts: 1,
      sinceUnixNano: nowUnixNano,
      lastCheckedUnixNano: nowUnixNano,
    };
  }
}

function resultsOf(lines: readonly RecordedLine[]): { line: RecordedLine; tookMs: number }[] {
  let begunMs = 0;
  return lines.flatMap((line) => {
    if (line.kind === "intent") begunMs = line.afterMs;
    const isResult = line.kind === "done" || line.kind === "failed";
    return isResult ? [{ line, tookMs: line.afterMs - begunMs }] : [];
  });
}
