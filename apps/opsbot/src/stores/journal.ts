/** What OpsBot saw, decided and did, on disk before it is believed. SQLite. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { openDatabase } from "@glassline/service/database";

import type { Action, Phase } from "../core/decide.ts";
import type { GuardRecords } from "./guard-records.ts";
import { GUARD_SCHEMA, guardRecords } from "./guard-records.ts";
import type { Reports } from "./reports.ts";
import { REPORTS_SCHEMA, reportsOf } from "./reports.ts";

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

export interface EntryRow {
  timeUnixNano: bigint;
  kind: EntryKind;
  text: string;
  idempotencyKey: string;
}

/** An action that was begun; what it did is not known yet. */
export interface Intent {
  idempotencyKey: string;
  incidentId: number;
  action: Action;
  /** Of a restart: the generation that is wished. */
  generation: number;
}

export interface Journal extends Disposable {
  /**
   * Of this life: higher than those of all lives before. It begins at the time of day, so that a journal that was lost does
   * not bar its successor.
   */
  readonly fencingToken: bigint;
  readonly guard: GuardRecords;
  /** What the work writes is on disk as a whole when this returns, or not at all. */
  atomically<T>(work: () => T): T;
  /** @param openedUnixNano when it began; now, if it is left out. */
  openIncident(
    row: Pick<IncidentRow, "object" | "check" | "title">,
    text: string,
    openedUnixNano?: bigint,
  ): IncidentRow;
  openIncidentOf(object: string, check: string): IncidentRow | undefined;
  incident(id: number): IncidentRow | undefined;
  incidents(limit: number, openOnly: boolean): IncidentRow[];
  countOpen(): number;
  entries(id: number): EntryRow[];
  /** Writes a line, and the phase that comes with it. */
  note(id: number, kind: EntryKind, text: string, phase?: Phase): void;
  /** Writes an intent before its effect. */
  intend(id: number, action: Action, text: string): Intent;
  /** Writes an effect's result, once. */
  settle(intent: Intent, kind: "done" | "failed", text: string): void;
  turn(id: number, phase: Phase): void;
  unsettled(): Intent[];
  /** The generation that an edge shall run with. */
  generation(edge: string): number;
  /** What Icinga is still to be told. */
  readonly reports: Reports;
}

/** Closed ones that are older are forgotten. */
const INCIDENTS_KEPT = 10_000;
const NANO_PER_SECOND = 1_000_000_000n;

const INCIDENT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS starts (fencing_token INTEGER PRIMARY KEY, journal TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, object TEXT NOT NULL, "check" TEXT NOT NULL, title TEXT NOT NULL,
    phase TEXT NOT NULL, actions INTEGER NOT NULL DEFAULT 0, opened TEXT NOT NULL, closed TEXT NOT NULL DEFAULT '0'
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS one_open ON incidents (object, "check") WHERE closed = '0';
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, incident INTEGER NOT NULL REFERENCES incidents (id), time TEXT NOT NULL,
    kind TEXT NOT NULL, text TEXT NOT NULL, idempotency_key TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX IF NOT EXISTS story ON entries (incident, id);
  CREATE TABLE IF NOT EXISTS intents (
    idempotency_key TEXT PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incidents (id), action TEXT NOT NULL,
    generation INTEGER NOT NULL, settled INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS generations (edge TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT;
`;

export const JOURNAL_SCHEMA = INCIDENT_SCHEMA + GUARD_SCHEMA + REPORTS_SCHEMA;

/** @param now Unix nanoseconds. Throws OperatorError when another process has the journal. */
export function openJournal(directory: string, now: () => bigint): Journal {
  return journalIn(openDatabase(join(directory, "opsbot.sqlite"), JOURNAL_SCHEMA), now);
}

/** @param database with JOURNAL_SCHEMA; it is closed with the journal. */
export function journalIn(database: DatabaseSync, now: () => bigint): Journal {
  const one = (sql: string, ...values: (string | number)[]) => database.prepare(sql).get(...values);
  const run = (sql: string, ...values: (string | number)[]) => database.prepare(sql).run(...values);
  const atomically = <T>(work: () => T): T => {
    if (database.isTransaction) return work();
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  };
  const before = one("SELECT * FROM starts ORDER BY fencing_token DESC LIMIT 1");
  const least = Number(before?.["fencing_token"] ?? 0) + 1;
  const fencingToken = Math.max(least, Number(now() / NANO_PER_SECOND));
  // In the keys of its actions, which another journal's must never equal.
  const name = String(before?.["journal"] ?? randomUUID());
  run("INSERT INTO starts VALUES (?, ?)", fencingToken, name);
  const write = (id: number, kind: EntryKind, text: string, key = "") =>
    void run(
      "INSERT INTO entries (incident, time, kind, text, idempotency_key) VALUES (?, ?, ?, ?, ?)",
      id,
      String(now()),
      kind,
      text,
      key,
    );
  const turn = (id: number, phase: Phase) =>
    void run(
      "UPDATE incidents SET phase = ?, closed = ? WHERE id = ?",
      phase,
      phase === "resolved" ? String(now()) : "0",
      id,
    );
  const incident = (id: number) => incidentOf(one("SELECT * FROM incidents WHERE id = ?", id));
  const generation = (edge: string) =>
    Number(one("SELECT generation FROM generations WHERE edge = ?", edge)?.["generation"] ?? 1);

  const forgetOld = (newest: number) => {
    const old = `(SELECT id FROM incidents WHERE id <= ? AND closed <> '0')`;
    for (const table of ["entries", "intents"])
      run(`DELETE FROM ${table} WHERE incident IN ${old}`, newest - INCIDENTS_KEPT);
    run(`DELETE FROM incidents WHERE id IN ${old}`, newest - INCIDENTS_KEPT);
  };

  return {
    fencingToken: BigInt(fencingToken),
    guard: guardRecords(database),
    atomically,
    incident,
    generation,
    reports: reportsOf(database, "icinga", name),
    openIncident: ({ object, check, title }, text, openedUnixNano = now()) =>
      atomically(() => {
        const { lastInsertRowid: rowId } = run(
          'INSERT INTO incidents (object, "check", title, phase, opened) VALUES (?, ?, ?, ?, ?)',
          object,
          check,
          title,
          "open",
          String(openedUnixNano),
        );
        const id = Number(rowId);
        write(id, "seen", text);
        forgetOld(id);
        return incident(id)!;
      }),
    openIncidentOf: (object, check) =>
      incidentOf(
        one(
          `SELECT * FROM incidents WHERE object = ? AND "check" = ? AND closed = '0'`,
          object,
          check,
        ),
      ),
    incidents: (limit, openOnly) =>
      database
        .prepare(
          `SELECT * FROM incidents ${openOnly ? "WHERE closed = '0'" : ""} ORDER BY id DESC LIMIT ?`,
        )
        .all(limit)
        .map((row) => incidentOf(row)!),
    countOpen: () =>
      Number(one(`SELECT count(*) AS open FROM incidents WHERE closed = '0'`)!["open"]),
    entries: (id) =>
      database
        .prepare("SELECT * FROM entries WHERE incident = ? ORDER BY id")
        .all(id)
        .map((row) => ({
          timeUnixNano: BigInt(String(row["time"])),
          kind: String(row["kind"]) as EntryKind,
          text: String(row["text"]),
          idempotencyKey: String(row["idempotency_key"]),
        })),
    note: (id, kind, text, phase) =>
      atomically(() => {
        write(id, kind, text);
        if (phase) turn(id, phase);
      }),
    intend: (id, action, text) =>
      atomically(() => {
        const { actions } = incident(id)!;
        const key = `${name}-incident-${id}-action-${actions + 1}`;
        const wished = action.kind === "restart" ? generation(action.edge) + 1 : 0;
        if (wished > 0)
          run("INSERT OR REPLACE INTO generations VALUES (?, ?)", action.edge, wished);
        run(
          "INSERT INTO intents (idempotency_key, incident, action, generation) VALUES (?, ?, ?, ?)",
          key,
          id,
          JSON.stringify(action),
          wished,
        );
        run("UPDATE incidents SET actions = ? WHERE id = ?", actions + 1, id);
        write(id, "intent", text, key);
        turn(id, "acting");
        return { idempotencyKey: key, incidentId: id, action, generation: wished };
      }),
    turn,
    settle: ({ idempotencyKey, incidentId }, kind, text) =>
      atomically(() => {
        const { changes } = run(
          "UPDATE intents SET settled = 1 WHERE idempotency_key = ? AND settled = 0",
          idempotencyKey,
        );
        if (changes === 0) return;
        write(incidentId, kind, text, idempotencyKey);
      }),
    unsettled: () =>
      database
        .prepare("SELECT * FROM intents WHERE settled = 0 ORDER BY rowid")
        .all()
        .map((row) => ({
          idempotencyKey: String(row["idempotency_key"]),
          incidentId: Number(row["incident"]),
          action: JSON.parse(String(row["action"])) as Action,
          generation: Number(row["generation"]),
        })),
    [Symbol.dispose]: () => database.close(),
  };
}

function incidentOf(row: Record<string, unknown> | undefined): IncidentRow | undefined {
  if (!row) return undefined;
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
