/** The journal in PostgreSQL: for several replicas, of which one leads. Whoever was replaced writes no more. */
import { createHash } from "node:crypto";

import type { PoolClient, PoolConfig } from "pg";
import { Pool } from "pg";

import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { Database, Dialect, Row, Sql, Value } from "./sql.ts";
import { NotLeadingError } from "./sql.ts";
import { Turns } from "./turns.ts";

export const POSTGRES: Dialect = {
  id: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
  integer: "BIGINT",
  strict: "",
  appendOnly: (table) => `
    CREATE OR REPLACE FUNCTION no_change_of_${table}() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION '${table}: lines are only ever added'; END $$;
    CREATE OR REPLACE TRIGGER no_change_of_${table} BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
      FOR EACH STATEMENT EXECUTE FUNCTION no_change_of_${table}();`,
};

/** One to write, one to read, one for the lease. */
const CONNECTIONS_MAX = 3;
const CONNECT_TIMEOUT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 5_000;
/** A process that was stopped in the middle of a transaction holds its locks no longer than this. */
const IDLE_TIMEOUT_MS = 600;
/** "glas", "line": all that write take turns. Source: https://www.postgresql.org/docs/15/explicit-locking.html#ADVISORY-LOCKS */
const WRITERS = "SELECT pg_advisory_xact_lock(1735156083, 1818848869)";

export interface PostgresDeps {
  connection: PoolConfig;
  /** Of the term that this process believes to have; undefined: it does not lead. */
  epoch: () => bigint | undefined;
  logger: Logger;
}

export function postgresDatabase({ connection, epoch, logger }: PostgresDeps): Database {
  const pool = poolOf({
    connection,
    max: CONNECTIONS_MAX,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    logger,
  });
  const turns = new Turns();
  const transact = <T>(work: (sql: Sql) => Promise<T>, check: (sql: Sql) => Promise<void>) =>
    turns.take(async () => {
      const client = await pool.connect();
      let broken = true;
      try {
        await client.query(`BEGIN; ${WRITERS}`);
        const sql = sqlOf(client);
        try {
          await check(sql);
          const result = await work(sql);
          await client.query("COMMIT");
          broken = false;
          return result;
        } catch (error) {
          await client.query("ROLLBACK").then(
            () => (broken = false),
            () => {},
          );
          throw error;
        }
      } finally {
        client.release(broken);
      }
    });
  return {
    ...sqlOf(pool),
    transact: async (work) => {
      if (epoch() === undefined) throw notLeading();
      return transact(work, (sql) => mustLead(sql, epoch()));
    },
    transactAnyway: (work) => transact(work, async () => {}),
    [Symbol.asyncDispose]: async () => {
      await turns.take(() => pool.end());
    },
  };
}

/** Connections whose statements end in time: `connection` may give them more of it. */
export function poolOf({
  connection,
  max,
  idleTimeoutMs,
  logger,
}: Pick<PostgresDeps, "connection" | "logger"> & { max: number; idleTimeoutMs: number }): Pool {
  const pool = new Pool({
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
    ...connection,
    max,
    idle_in_transaction_session_timeout: idleTimeoutMs,
    keepAlive: true,
    application_name: "glassline-opsbot",
  });
  const gone = (error: Error) =>
    logger.warn({ problem: messageOf(error) }, "a connection to PostgreSQL has ended");
  // Without a listener the end of a connection, in use or not, would end the process.
  pool.on("error", gone);
  pool.on("connect", (client) => client.on("error", gone));
  return pool;
}

/** The row stays as it is until the transaction ends: nobody takes over meanwhile, but its holder may renew it. */
async function mustLead(sql: Sql, epoch: bigint | undefined): Promise<void> {
  const rows =
    epoch === undefined
      ? []
      : await sql.all("SELECT 1 FROM leader WHERE epoch = $1 FOR KEY SHARE", Number(epoch));
  if (rows.length === 0) throw notLeading();
}

const notLeading = () => new NotLeadingError("another OpsBot leads");

export function sqlOf(client: Pick<Pool | PoolClient, "query">): Sql {
  const query = (text: string, values: Value[]) =>
    client.query({ name: nameOf(text), text, values });
  return {
    all: async (text, ...values) => (await query(text, values)).rows as Row[],
    run: async (text, ...values) => (await query(text, values)).rowCount ?? 0,
  };
}

const names = new Map<string, string>();

/** Each text is prepared once a connection; there are some dozens of them. */
function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = createHash("sha256").update(text).digest("base64url").slice(0, 24);
  names.set(text, name);
  return name;
}
