/** What the guard goes by, on disk with the journal: what was begun, and what people have ordered. A new life finds it as it was. */
import type { DatabaseSync } from "node:sqlite";

import type { Begun } from "../core/guard.ts";

/** Longer than any window. */
const KEPT_MS = 86_400_000;
const MS_NANO = 1_000_000n;

export const GUARD_SCHEMA = `
  CREATE TABLE IF NOT EXISTS effects (
    idempotency_key TEXT PRIMARY KEY, incident INTEGER NOT NULL, target TEXT NOT NULL, domain TEXT NOT NULL,
    runbook TEXT NOT NULL, disruptive INTEGER NOT NULL, began INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS begun ON effects (began);
  CREATE INDEX IF NOT EXISTS effects_of ON effects (incident);
  CREATE INDEX IF NOT EXISTS problems ON incidents (object, "check", id);
  CREATE TABLE IF NOT EXISTS orders (
    kind TEXT NOT NULL, target TEXT NOT NULL, until INTEGER NOT NULL, who TEXT NOT NULL, PRIMARY KEY (kind, target)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS approvals (
    incident INTEGER NOT NULL, action INTEGER NOT NULL, until INTEGER NOT NULL, who TEXT NOT NULL,
    PRIMARY KEY (incident, action)
  ) STRICT;
`;

/** What people order: nothing at all is begun, automation rests, one target is being worked on. */
export type OrderKind = "kill" | "pause" | "maintenance";

export interface Order {
  kind: OrderKind;
  /** "" for all. */
  target: string;
  /** Unix milliseconds. */
  untilMs: number;
  who: string;
}

export interface GuardRecords {
  /** When something was begun last; 0: never. */
  newestMs(): number;
  /** Since then, or under way. */
  begun(sinceMs: number): Begun[];
  begin(
    intent: { idempotencyKey: string; incidentId: number },
    effect: Omit<Begun, "isUnderWay">,
  ): void;
  /** How often a problem of a target has begun since then, and when it ended last; Unix milliseconds. */
  problems(
    target: string,
    check: string,
    sinceMs: number,
  ): { count: number; endedMs: number | undefined };
  orders(): Order[];
  order(order: Order): void;
  lift(kind: OrderKind, target: string): void;
  /** A person agrees to an incident's action, counted from 0. */
  approve(
    incidentId: number,
    action: number,
    approval: { untilMs: number; who: string },
    nowMs: number,
  ): void;
  /** Until when a person agrees; 0: nobody does. */
  approvedUntilMs(incidentId: number, action: number): number;
}

export function guardRecords(database: DatabaseSync): GuardRecords {
  const all = (sql: string, ...values: (string | number)[]) => database.prepare(sql).all(...values);
  const one = (sql: string, ...values: (string | number)[]) => database.prepare(sql).get(...values);
  const run = (sql: string, ...values: (string | number)[]) => database.prepare(sql).run(...values);
  return {
    newestMs: () => Number(one("SELECT max(began) AS newest FROM effects")?.["newest"] ?? 0),
    begun: (sinceMs) =>
      all(
        // Only the newest action of an incident is under way with it.
        `SELECT effects.*, phase IN ('acting', 'verifying')
           AND effects.rowid = (SELECT max(rowid) FROM effects AS other WHERE other.incident = effects.incident) AS open
         FROM effects LEFT JOIN incidents ON incidents.id = effects.incident
         WHERE began > ? OR (phase IN ('acting', 'verifying'))`,
        sinceMs,
      ).map((row) => ({
        target: String(row["target"]),
        domain: String(row["domain"]),
        runbook: String(row["runbook"]),
        isDisruptive: Number(row["disruptive"]) === 1,
        beganMs: Number(row["began"]),
        isUnderWay: Number(row["open"]) === 1,
      })),
    begin: ({ idempotencyKey, incidentId }, effect) => {
      const { target, domain, runbook, isDisruptive, beganMs } = effect;
      run("DELETE FROM effects WHERE began < ?", beganMs - KEPT_MS);
      run(
        "INSERT INTO effects VALUES (?, ?, ?, ?, ?, ?, ?)",
        idempotencyKey,
        incidentId,
        target,
        domain,
        runbook,
        isDisruptive ? 1 : 0,
        Math.round(beganMs),
      );
    },
    problems: (target, check, sinceMs) => {
      const rows = all(
        `SELECT opened, closed FROM incidents WHERE object = ? AND "check" = ? ORDER BY id DESC LIMIT 100`,
        target,
        check,
      );
      const times = rows.map((row) => ({
        openedMs: millisecondOf(row["opened"]),
        closedMs: millisecondOf(row["closed"]),
      }));
      const ends = times.map(({ closedMs }) => closedMs).filter((closedMs) => closedMs > 0);
      return {
        count: times.filter(({ openedMs }) => openedMs > sinceMs).length,
        endedMs: ends.length > 0 ? Math.max(...ends) : undefined,
      };
    },
    orders: () =>
      all("SELECT * FROM orders ORDER BY kind, target").map((row) => ({
        kind: String(row["kind"]) as OrderKind,
        target: String(row["target"]),
        untilMs: Number(row["until"]),
        who: String(row["who"]),
      })),
    order: ({ kind, target, untilMs, who }) =>
      void run(
        "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)",
        kind,
        target,
        Math.round(untilMs),
        who,
      ),
    lift: (kind, target) =>
      void run("DELETE FROM orders WHERE kind = ? AND target = ?", kind, target),
    approve: (incidentId, action, { untilMs, who }, nowMs) => {
      run("DELETE FROM approvals WHERE until < ?", Math.round(nowMs));
      run(
        "INSERT OR REPLACE INTO approvals VALUES (?, ?, ?, ?)",
        incidentId,
        action,
        Math.round(untilMs),
        who,
      );
    },
    approvedUntilMs: (incidentId, action) =>
      Number(
        one("SELECT until FROM approvals WHERE incident = ? AND action = ?", incidentId, action)?.[
          "until"
        ] ?? 0,
      ),
  };
}

function millisecondOf(unixNano: unknown): number {
  return Number(BigInt(String(unixNano)) / MS_NANO);
}
