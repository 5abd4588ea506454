/** Lines of the journal that the monitoring system is still to be told of. What is told is what is written, so nothing is lost on the way. */
import type { DatabaseSync } from "node:sqlite";

import type { EntryKind } from "./journal.ts";

export interface Report {
  /** Number of the journal's line. */
  entry: number;
  incidentId: number;
  object: string;
  check: string;
  kind: EntryKind;
  text: string;
  timeUnixNano: bigint;
  /** The same each time that it is told, and no other report's of any journal. */
  key: string;
}

export interface Reports {
  /** Begins with what is written from now on; where it had begun before, it goes on. */
  begin(): void;
  /** The oldest lines that have not been told, in order. */
  untold(limit: number): Report[];
  /** This line and those before it have been told, or never will be. */
  told(entry: number): void;
}

export const REPORTS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS reports (listener TEXT PRIMARY KEY, told_entry INTEGER NOT NULL) STRICT;
`;

/** @param journal the name in the keys. */
export function reportsOf(database: DatabaseSync, listener: string, journal: string): Reports {
  return {
    begin: () =>
      void database
        .prepare(
          `INSERT INTO reports SELECT ?, coalesce(max(id), 0) FROM entries WHERE true
           ON CONFLICT (listener) DO NOTHING`,
        )
        .run(listener),
    untold: (limit) =>
      database
        .prepare(
          `SELECT entries.*, object, "check" FROM entries JOIN incidents ON incidents.id = incident
           WHERE entries.id > (SELECT told_entry FROM reports WHERE listener = ?) ORDER BY entries.id LIMIT ?`,
        )
        .all(listener, limit)
        .map((row) => reportOf(row, journal)),
    told: (entry) =>
      void database
        .prepare("UPDATE reports SET told_entry = max(told_entry, ?) WHERE listener = ?")
        .run(entry, listener),
  };
}

function reportOf(row: Record<string, unknown>, journal: string): Report {
  const [entry, kind] = [Number(row["id"]), String(row["kind"]) as EntryKind];
  const step = String(row["idempotency_key"]) || `${journal}-entry-${entry}`;
  return {
    entry,
    incidentId: Number(row["incident"]),
    object: String(row["object"]),
    check: String(row["check"]),
    kind,
    text: String(row["text"]),
    timeUnixNano: BigInt(String(row["time"])),
    key: `${step}:${kind}`,
  };
}
