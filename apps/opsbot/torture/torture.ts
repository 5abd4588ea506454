/** Sequence after sequence on the guard, each looked at whether a window was over its budget. */
import { DatabaseSync } from "node:sqlite";

import type { Progress } from "@glassline/bench/progress";

import type { Because } from "../src/core/guard.ts";
import { beginTerm } from "../src/stores/journal.ts";
import { schemaOf } from "../src/stores/schema.ts";
import type { Database } from "../src/stores/sql.ts";
import { SQLITE, sqliteDatabase } from "../src/stores/sqlite.ts";
import { LIMITS, SERVING, SIZES, playSequence } from "./guard-sequence.ts";
import { excesses } from "./history.ts";

const PROBLEMS_MAX = 20;
const TELL_EVERY = 500;

export interface Tortured {
  sequences: number;
  asked: number;
  begun: number;
  failovers: number;
  refused: Partial<Record<Because, number>>;
  overBudget: number;
  /** For people; the first ones. */
  problems: string[];
}

/** @param stopping aborted: no more sequences. */
export async function torture(
  sequences: number,
  random: () => number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  const all: Tortured = {
    sequences: 0,
    asked: 0,
    begun: 0,
    failovers: 0,
    refused: {},
    overBudget: 0,
    problems: [],
  };
  await using database = sqliteDatabase(emptyDatabase());
  await database.transactAnyway((sql) => beginTerm(sql, 1));
  while (all.sequences < sequences && !stopping.aborted) {
    await playOne(all, database, random);
    if (all.sequences % TELL_EVERY !== 0) continue;
    progress.tell(`${all.sequences} of ${sequences} sequences, ${all.problems.length} problems`);
    // Ctrl-C is heard.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return all;
}

/** Of a sequence; the rest is not written. */
const TABLES = [
  "entries",
  "intents",
  "led",
  "effects",
  "occurrences",
  "orders",
  "approvals",
  "generations",
  "incidents",
];

function emptyDatabase(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  database.exec(schemaOf(SQLITE));
  return database;
}

async function playOne(all: Tortured, database: Database, random: () => number): Promise<void> {
  await database.transact(async (sql) => {
    for (const table of TABLES) await sql.run(`DELETE FROM ${table}`);
  });
  const { happened, asked, refused, failovers, problems } = await playSequence(database, random);
  const over = excesses(happened, LIMITS, SIZES, SERVING);
  all.sequences++;
  all.asked += asked;
  all.begun += happened.length;
  all.failovers += failovers;
  if (over.length > 0) all.overBudget++;
  for (const [because, count] of Object.entries(refused) as [Because, number][])
    all.refused[because] = (all.refused[because] ?? 0) + count;
  for (const problem of [...over, ...problems])
    if (all.problems.length < PROBLEMS_MAX)
      all.problems.push(`sequence ${all.sequences}: ${problem}`);
}
