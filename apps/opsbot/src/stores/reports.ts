/** Lines of the journal that the monitoring system is still to be told of. What is told is what is written, so nothing is lost on the way. */
import type { EntryKind } from "./incidents.ts";
import type { Row, Sql } from "./sql.ts";

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
  begin(): Promise<void>;
  /** The oldest lines that have not been told, in order. */
  untold(limit: number): Promise<Report[]>;
  /** The newest lines of open incidents that have been told, in order. */
  toldOfOpen(limit: number): Promise<Report[]>;
  /** This line and those before it have been told, or never will be. */
  told(entry: number): Promise<void>;
}

/** @param listener who is told: each has its own place. @param journal the name in the keys. */
export function reportsIn(sql: Sql, listener: string, journal: () => Promise<string>): Reports {
  return {
    begin: async () => {
      await sql.run(
        `INSERT INTO reports SELECT $1, coalesce(max(id), 0) FROM entries WHERE true
         ON CONFLICT (listener) DO NOTHING`,
        listener,
      );
    },
    untold: async (limit) => {
      const rows = await sql.all(
        `SELECT entries.*, object, "check" FROM entries JOIN incidents ON incidents.id = incident
         WHERE entries.id > (SELECT told_entry FROM reports WHERE listener = $1) ORDER BY entries.id LIMIT $2`,
        listener,
        limit,
      );
      const name = await journal();
      return rows.map((row) => reportOf(row, name));
    },
    toldOfOpen: async (limit) => {
      const rows = await sql.all(
        `SELECT entries.*, object, "check" FROM entries JOIN incidents ON incidents.id = incident
         WHERE closed = '0' AND entries.id <= (SELECT told_entry FROM reports WHERE listener = $1)
         ORDER BY entries.id DESC LIMIT $2`,
        listener,
        limit,
      );
      const name = await journal();
      return rows.map((row) => reportOf(row, name)).toReversed();
    },
    told: async (entry) => {
      await sql.run(
        "UPDATE reports SET told_entry = $1 WHERE listener = $2 AND told_entry < $1",
        entry,
        listener,
      );
    },
  };
}

function reportOf(row: Row, journal: string): Report {
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
