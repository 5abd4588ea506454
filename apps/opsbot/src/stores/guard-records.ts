/** What the guard goes by, on disk with the journal: what was begun, and what people have ordered. A new life finds it as it was. */
import type { Begun } from "../core/guard.ts";
import type { Sql } from "./sql.ts";
import { first } from "./sql.ts";

/** Longer than any window. */
const KEPT_MS = 86_400_000;
const MS_NANO = 1_000_000n;

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
  newestMs(): Promise<number>;
  /** Since then, or under way. */
  begun(sinceMs: number): Promise<Begun[]>;
  begin(
    intent: { idempotencyKey: string; incidentId: number },
    effect: Omit<Begun, "isUnderWay">,
  ): Promise<void>;
  /** How often a problem of a target has begun since then, and when it ended last; Unix milliseconds. */
  problems(
    target: string,
    check: string,
    sinceMs: number,
  ): Promise<{ count: number; endedMs: number | undefined }>;
  orders(): Promise<Order[]>;
  /** The kill switch is on. */
  isKilled(): Promise<boolean>;
  order(order: Order): Promise<void>;
  lift(kind: OrderKind, target: string): Promise<void>;
  /** A person agrees to an incident's action, counted from 0. */
  approve(
    incidentId: number,
    action: number,
    approval: { untilMs: number; who: string },
    nowMs: number,
  ): Promise<void>;
  /** Until when a person agrees; 0: nobody does. */
  approvedUntilMs(incidentId: number, action: number): Promise<number>;
}

export function guardRecordsIn(sql: Sql): GuardRecords {
  return {
    newestMs: async () =>
      Number((await first(sql, "SELECT max(began) AS newest FROM effects"))?.["newest"] ?? 0),
    begun: async (sinceMs) => {
      const rows = await sql.all(BEGUN, Math.round(sinceMs));
      return rows.map((row) => ({
        target: String(row["target"]),
        domain: String(row["domain"]),
        runbook: String(row["runbook"]),
        isDisruptive: Number(row["disruptive"]) === 1,
        beganMs: Number(row["began"]),
        isUnderWay: Number(row["open"]) === 1,
      }));
    },
    begin: async ({ idempotencyKey, incidentId }, effect) => {
      const { target, domain, runbook, isDisruptive, beganMs } = effect;
      await sql.run("DELETE FROM effects WHERE began < $1", Math.round(beganMs - KEPT_MS));
      await sql.run(
        "INSERT INTO effects VALUES ($1, $2, $3, $4, $5, $6, $7)",
        idempotencyKey,
        incidentId,
        target,
        domain,
        runbook,
        isDisruptive ? 1 : 0,
        Math.round(beganMs),
      );
    },
    problems: async (target, check, sinceMs) => {
      const rows = await sql.all(
        `SELECT opened, closed FROM incidents WHERE object = $1 AND "check" = $2 ORDER BY id DESC LIMIT 100`,
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
    orders: async () =>
      (await sql.all("SELECT * FROM orders ORDER BY kind, target")).map((row) => ({
        kind: String(row["kind"]) as OrderKind,
        target: String(row["target"]),
        untilMs: Number(row["until"]),
        who: String(row["who"]),
      })),
    isKilled: async () =>
      (await sql.all("SELECT 1 AS killed FROM orders WHERE kind = 'kill'")).length > 0,
    order: async ({ kind, target, untilMs, who }) => {
      await sql.run(
        `INSERT INTO orders VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, target) DO UPDATE SET until = $3, who = $4`,
        kind,
        target,
        Math.round(untilMs),
        who,
      );
    },
    lift: async (kind, target) => {
      await sql.run("DELETE FROM orders WHERE kind = $1 AND target = $2", kind, target);
    },
    approve: async (incidentId, action, { untilMs, who }, nowMs) => {
      await sql.run("DELETE FROM approvals WHERE until < $1", Math.round(nowMs));
      await sql.run(
        `INSERT INTO approvals VALUES ($1, $2, $3, $4)
         ON CONFLICT (incident, action) DO UPDATE SET until = $3, who = $4`,
        incidentId,
        action,
        Math.round(untilMs),
        who,
      );
    },
    approvedUntilMs: async (incidentId, action) => {
      const row = await first(
        sql,
        "SELECT until FROM approvals WHERE incident = $1 AND action = $2",
        incidentId,
        action,
      );
      return Number(row?.["until"] ?? 0);
    },
  };
}

/** Only the newest action of an incident is under way with it: keys of one incident differ by the action's number. */
const BEGUN = `SELECT * FROM (
  SELECT effects.*, CASE WHEN phase IN ('acting', 'verifying') AND NOT EXISTS (
    SELECT 1 FROM effects AS later WHERE later.incident = effects.incident
      AND (length(later.idempotency_key) > length(effects.idempotency_key)
        OR (length(later.idempotency_key) = length(effects.idempotency_key) AND later.idempotency_key > effects.idempotency_key))
  ) THEN 1 ELSE 0 END AS open
  FROM effects LEFT JOIN incidents ON incidents.id = effects.incident
  WHERE began > $1 OR phase IN ('acting', 'verifying')
) AS lately WHERE began > $1 OR open = 1 ORDER BY began`;

function millisecondOf(unixNano: unknown): number {
  return Number(BigInt(String(unixNano)) / MS_NANO);
}
