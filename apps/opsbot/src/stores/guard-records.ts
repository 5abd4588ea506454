/** What the guard goes by, on disk with the journal: what was begun, and what people have ordered. A new life finds it as it was. */
import type { Begun } from "../core/guard.ts";
import { FOREVER_MS } from "../core/guard.ts";
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
  /** The newest of its times, but for those of orders; 0: there is none. */
  newestMs(): Promise<number>;
  /** Somebody leads until now, at least. */
  led(untilMs: number): Promise<void>;
  /** What was begun, and problems, are as much newer, and orders that hold end as much later: time has passed that is not to count. */
  moveOn(byMs: number): Promise<void>;
  /** Since then, or under way. */
  begun(sinceMs: number): Promise<Begun[]>;
  begin(
    intent: { idempotencyKey: string; incidentId: number },
    effect: Omit<Begun, "isUnderWay">,
  ): Promise<void>;
  /** A problem has come, or is over: by the clock of the guard, which incidents do not go by. */
  came(incidentId: number, beganMs: number): Promise<void>;
  went(incidentId: number, endedMs: number): Promise<void>;
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
    newestMs: () => newest(sql),
    led: async (untilMs) => {
      await sql.run(
        `INSERT INTO led VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET until = $1`,
        Math.round(untilMs),
      );
    },
    moveOn: async (byMs) => {
      const [by, nowMs] = [Math.round(byMs), await newest(sql)];
      const since = nowMs - KEPT_MS;
      await sql.run(
        "UPDATE orders SET until = until + $1 WHERE until > $2 AND until < $3",
        by,
        nowMs,
        FOREVER_MS,
      );
      await sql.run("UPDATE effects SET began = began + $1 WHERE began > $2", by, since);
      await sql.run(
        "UPDATE occurrences SET began = began + $1, ended = ended + $1 WHERE coalesce(ended, began) > $2",
        by,
        since,
      );
    },
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
    came: async (incidentId, beganMs) => {
      const text = "INSERT INTO occurrences (incident, began) VALUES ($1, $2)";
      await sql.run(text, incidentId, Math.round(beganMs));
    },
    went: async (incidentId, endedMs) => {
      const text = "UPDATE occurrences SET ended = $2 WHERE incident = $1";
      await sql.run(text, incidentId, Math.round(endedMs));
    },
    problems: async (target, check, sinceMs) => {
      const rows = await sql.all(
        `SELECT opened, closed, began, ended FROM incidents LEFT JOIN occurrences ON occurrences.incident = incidents.id
         WHERE object = $1 AND "check" = $2 ORDER BY id DESC LIMIT 100`,
        target,
        check,
      );
      const times = rows.map((row) => ({
        // An older version has written the incident alone.
        beganMs: Number(row["began"] ?? millisecondOf(row["opened"])),
        endedMs: Number(row["ended"] ?? millisecondOf(row["closed"])),
      }));
      const ends = times.map(({ endedMs }) => endedMs).filter((endedMs) => endedMs > 0);
      return {
        count: times.filter(({ beganMs }) => beganMs > sinceMs).length,
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

const newest = async (sql: Sql) => Number((await first(sql, NEWEST))?.["newest"] ?? 0);

const NEWEST = `SELECT max(ms) AS newest FROM (
  SELECT max(until) AS ms FROM led UNION ALL SELECT max(began) FROM effects UNION ALL SELECT max(began) FROM occurrences UNION ALL SELECT max(ended) FROM occurrences
) AS times`;

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
