/** Incidents and their stories. */
import type { Phase } from "../core/decide.ts";
import type { Row, Sql } from "./sql.ts";
import { first } from "./sql.ts";

export type EntryKind =
  | "seen"
  | "decided"
  | "intent"
  | "done"
  | "failed"
  | "verified"
  | "escalated"
  | "closed";

export interface IncidentRow {
  id: number;
  object: string;
  check: string;
  title: string;
  phase: Phase;
  /** How many actions of the runbook have been begun. */
  actions: number;
  openedUnixNano: bigint;
  /** 0: open. */
  closedUnixNano: bigint;
}

export interface ListedIncident extends IncidentRow {
  /** The last line of its story. */
  summary: string;
}

export interface EntryRow {
  timeUnixNano: bigint;
  kind: EntryKind;
  text: string;
  idempotencyKey: string;
}

export interface IncidentReads {
  openIncidentOf(object: string, check: string): Promise<IncidentRow | undefined>;
  incident(id: number): Promise<IncidentRow | undefined>;
  /** Newest first. */
  incidents(limit: number, openOnly: boolean): Promise<ListedIncident[]>;
  countOpen(): Promise<number>;
  entries(id: number): Promise<EntryRow[]>;
  /** The newest line of a story. */
  lastEntry(id: number): Promise<EntryRow | undefined>;
}

export interface Incidents extends IncidentReads {
  /** @param openedUnixNano when it began; now, if it is left out. */
  openIncident(
    row: Pick<IncidentRow, "object" | "check" | "title">,
    text: string,
    openedUnixNano?: bigint,
  ): Promise<IncidentRow>;
  /** Writes a line, and the phase that comes with it. */
  note(id: number, kind: EntryKind, text: string, phase?: Phase): Promise<void>;
  turn(id: number, phase: Phase): Promise<void>;
  /** All that are open about an object, but for what people asked for and what is acted on now. */
  closeAbout(object: string, why: string): Promise<void>;
  /** The next action is not done, and the one behind it has its turn. */
  skip(id: number): Promise<void>;
}

/** What people ask for is an incident too: it has a story, and goes on after a restart. */
export const REQUEST = "request";

/** Closed ones that are older are forgotten. */
const INCIDENTS_KEPT = 10_000;

/** @param now Unix nanoseconds. */
export function incidentsIn(sql: Sql, now: () => bigint): Incidents {
  const turn = async (id: number, phase: Phase) => {
    const closed = phase === "resolved" ? String(now()) : "0";
    await sql.run("UPDATE incidents SET phase = $2, closed = $3 WHERE id = $1", id, phase, closed);
  };
  return {
    turn,
    openIncident: async ({ object, check, title }, text, openedUnixNano = now()) => {
      const row = await first(
        sql,
        `INSERT INTO incidents (object, "check", title, phase, opened) VALUES ($1, $2, $3, 'open', $4) RETURNING *`,
        object,
        check,
        title,
        String(openedUnixNano),
      );
      const incident = incidentOf(row!);
      await writeEntry(sql, now(), incident.id, "seen", text);
      await forgetOld(sql, incident.id);
      return incident;
    },
    note: async (id, kind, text, phase) => {
      await writeEntry(sql, now(), id, kind, text);
      if (phase) await turn(id, phase);
    },
    closeAbout: async (object, why) => {
      const rows = await sql.all(
        `SELECT id FROM incidents WHERE object = $1 AND "check" <> $2 AND phase <> 'acting' AND closed = '0'`,
        object,
        REQUEST,
      );
      for (const { id } of rows) {
        await writeEntry(sql, now(), Number(id), "closed", why);
        await turn(Number(id), "resolved");
      }
    },
    skip: async (id) => {
      await sql.run("UPDATE incidents SET actions = actions + 1 WHERE id = $1", id);
    },
    openIncidentOf: async (object, check) =>
      found(
        await first(
          sql,
          `SELECT * FROM incidents WHERE object = $1 AND "check" = $2 AND closed = '0'`,
          object,
          check,
        ),
      ),
    incident: async (id) => found(await first(sql, "SELECT * FROM incidents WHERE id = $1", id)),
    incidents: async (limit, openOnly) => {
      const rows = await sql.all(
        `SELECT incidents.*, (
           SELECT text FROM entries WHERE incident = incidents.id ORDER BY entries.id DESC LIMIT 1
         ) AS summary
         FROM incidents ${openOnly ? "WHERE closed = '0'" : ""} ORDER BY id DESC LIMIT $1`,
        limit,
      );
      return rows.map((row) => ({ ...incidentOf(row), summary: String(row["summary"] ?? "") }));
    },
    countOpen: async () =>
      Number(
        (await first(sql, "SELECT count(*) AS open FROM incidents WHERE closed = '0'"))?.["open"],
      ),
    entries: async (id) =>
      (await sql.all("SELECT * FROM entries WHERE incident = $1 ORDER BY id", id)).map(entryOf),
    lastEntry: async (id) => {
      const text = "SELECT * FROM entries WHERE incident = $1 ORDER BY id DESC LIMIT 1";
      const row = await first(sql, text, id);
      return row && entryOf(row);
    },
  };
}

export async function writeEntry(
  sql: Sql,
  timeUnixNano: bigint,
  incident: number,
  kind: EntryKind,
  text: string,
  idempotencyKey = "",
): Promise<void> {
  await sql.run(
    "INSERT INTO entries (incident, time, kind, text, idempotency_key) VALUES ($1, $2, $3, $4, $5)",
    incident,
    String(timeUnixNano),
    kind,
    text,
    idempotencyKey,
  );
}

async function forgetOld(sql: Sql, newest: number): Promise<void> {
  if (newest <= INCIDENTS_KEPT) return;
  const old = "(SELECT id FROM incidents WHERE id <= $1 AND closed <> '0')";
  for (const table of ["entries", "intents", "occurrences"])
    await sql.run(`DELETE FROM ${table} WHERE incident IN ${old}`, newest - INCIDENTS_KEPT);
  await sql.run(`DELETE FROM incidents WHERE id IN ${old}`, newest - INCIDENTS_KEPT);
}

const found = (row: Row | undefined) => row && incidentOf(row);

function incidentOf(row: Row): IncidentRow {
  return {
    id: Number(row["id"]),
    object: String(row["object"]),
    check: String(row["check"]),
    title: String(row["title"]),
    phase: String(row["phase"]) as Phase,
    actions: Number(row["actions"]),
    openedUnixNano: BigInt(String(row["opened"])),
    closedUnixNano: BigInt(String(row["closed"])),
  };
}

function entryOf(row: Row): EntryRow {
  return {
    timeUnixNano: BigInt(String(row["time"])),
    kind: String(row["kind"]) as EntryKind,
    text: String(row["text"]),
    idempotencyKey: String(row["idempotency_key"]),
  };
}
