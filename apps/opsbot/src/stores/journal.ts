/** What OpsBot saw, decided and did, on disk before it is believed. */
import { randomUUID } from "node:crypto";

import type { Audit, AuditReads } from "./audit.ts";
import { auditIn } from "./audit.ts";
import type { DeploymentReads, Deployments } from "./deployments.ts";
import { deploymentsIn } from "./deployments.ts";
import type { GuardRecords } from "./guard-records.ts";
import { guardRecordsIn } from "./guard-records.ts";
import type { IncidentReads, Incidents } from "./incidents.ts";
import { incidentsIn } from "./incidents.ts";
import type { IntentReads, Intents } from "./intents.ts";
import { intentsIn } from "./intents.ts";
import type { Reports } from "./reports.ts";
import { reportsIn } from "./reports.ts";
import type { Database, Sql } from "./sql.ts";
import { NotLeadingError, first } from "./sql.ts";

export interface Records extends Incidents, Intents, Audit {
  readonly guard: GuardRecords;
  readonly deployments: Deployments;
}

export interface Reads extends IncidentReads, IntentReads, AuditReads {
  readonly deployments: DeploymentReads;
  readonly guard: Pick<
    GuardRecords,
    "newestMs" | "begun" | "problems" | "orders" | "isKilled" | "approvedUntilMs"
  >;
}

export interface Journal extends Reads, AsyncDisposable {
  /** What the work writes is on disk as a whole when this resolves, or not at all. Rejects with NotLeadingError when another one leads. */
  transact<T>(work: (records: Records) => Promise<T>): Promise<T>;
  /** For what people order: also where another one leads. */
  transactAnyway<T>(work: (records: Records) => Promise<T>): Promise<T>;
  /** What somebody is still to be told: each listener has its own place. */
  reports(listener: string): Reports;
}

/** @param now Unix nanoseconds. @param database with its schema; it is closed with the journal. */
export function journalIn(database: Database, now: () => bigint): Journal {
  const nameIn = journalName();
  const recordsOf = (sql: Sql) => recordsIn(sql, now, () => nameIn(sql));
  return {
    ...recordsOf(database),
    transact: (work) => database.transact((sql) => work(recordsOf(sql))),
    transactAnyway: (work) => database.transactAnyway((sql) => work(recordsOf(sql))),
    reports: (listener) => {
      const reportsOf = (sql: Sql) => reportsIn(sql, listener, () => nameIn(sql));
      return {
        begin: () => database.transact((sql) => reportsOf(sql).begin()),
        untold: (limit) => reportsOf(database).untold(limit),
        toldOfOpen: (limit) => reportsOf(database).toldOfOpen(limit),
        told: (entry) => database.transact((sql) => reportsOf(sql).told(entry)),
      };
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

function recordsIn(sql: Sql, now: () => bigint, name: () => Promise<string>): Records {
  return {
    ...incidentsIn(sql, now),
    ...intentsIn(sql, now, name),
    ...auditIn(sql, now),
    guard: guardRecordsIn(sql),
    deployments: deploymentsIn(sql, now),
  };
}

/** It is given with the first term, and stays. */
function journalName(): (sql: Sql) => Promise<string> {
  let known: string | undefined;
  return async (sql) => {
    if (known !== undefined) return known;
    const row = await first(sql, "SELECT journal FROM starts LIMIT 1");
    if (!row) throw new NotLeadingError("nobody has led yet");
    return (known = String(row["journal"]));
  };
}

/**
 * Begins a term, within a transaction. Its fencing token is higher than those of all terms before; it begins at the time of day, so
 * that a journal that was lost does not bar its successor.
 * @param nowS Unix seconds.
 */
export async function beginTerm(sql: Sql, nowS: number): Promise<bigint> {
  const last = await first(
    sql,
    "SELECT fencing_token, journal FROM starts ORDER BY fencing_token DESC LIMIT 1",
  );
  const token = Math.max(Number(last?.["fencing_token"] ?? 0) + 1, nowS);
  const journal = String(last?.["journal"] ?? randomUUID());
  await sql.run("INSERT INTO starts VALUES ($1, $2)", token, journal);
  return BigInt(token);
}
