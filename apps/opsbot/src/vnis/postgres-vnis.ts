/** VNIs in PostgreSQL: any number of replicas, each with several connections. */
import type { Logger } from "@glassline/service/logger";
import type { PoolConfig } from "pg";

import { poolOf, sqlOf } from "../stores/postgres.ts";
import type { Sql } from "../stores/sql.ts";
import { first } from "../stores/sql.ts";
import type { VniDatabase, VniDialect, VniRow } from "./dialect.ts";
import { schemaWith } from "./dialect.ts";

/** Each of the two is tried again as a whole: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const PASSING: ReadonlySet<unknown> = new Set(["40001", "40P01"]);
const TRIES_MAX = 5;
/** A replica that was stopped in the middle of a transaction holds its locks no longer than this; a busy one goes on. */
const IDLE_TIMEOUT_MS = 3_000;
/** "glas", "vnis": one replica at a time makes the tables. */
const MAKERS = "SELECT pg_advisory_xact_lock(1735156083, 1986947443)";

const given: VniDialect["given"] = (columns) =>
  `json_to_recordset($1::json) AS given(${Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(", ")})`;

/** Three arrays instead of an array of objects: PostgreSQL reads them in a third of the time. */
const INSERT = `
  INSERT INTO vnis (vni, owner, tenant) SELECT vni, owner, tenant FROM ROWS FROM (
    unnest($1::integer[]), json_array_elements_text($2::json), json_array_elements_text($3::json)
  ) AS given(vni, owner, tenant)`;

const COUNT = `
  UPDATE vni_tenants SET used = used + more
  FROM (SELECT tenant AS name, count(*) AS more FROM added GROUP BY tenant) AS counts WHERE tenant = name`;

const ADD_ALL = `WITH added AS (${INSERT} RETURNING tenant) ${COUNT}`;

/** It is counted only behind its insertion: who has one already is not refused for a quota. */
const ADD_ONE = `
  WITH added AS (INSERT INTO vnis (vni, owner, tenant) VALUES ($1, $2, $3) RETURNING tenant)
  UPDATE vni_tenants SET used = used + 1 WHERE tenant IN (SELECT tenant FROM added)`;

/** What meets another one is left out, which costs each row as much again. */
const ADD = `
  WITH added AS (${INSERT} ON CONFLICT DO NOTHING RETURNING tenant), counted AS (${COUNT})
  SELECT count(*) AS added FROM added`;

const UNIQUE_VIOLATION = "23505";

const ADD_SUBNETS = `
  INSERT INTO vni_subnets (vni, net)
  SELECT vni, net::cidr FROM ${given({ vni: "INTEGER", net: "TEXT" })}
  ON CONFLICT DO NOTHING RETURNING vni`;

/** Plans are kept while the tables grow by millions: all of them go by an index from the beginning. */
const OPTIONS = "-c enable_seqscan=off";

export const POSTGRES_VNIS: VniDialect = {
  schema: schemaWith({
    integer: "BIGINT",
    strict: "",
    bytewise: 'COLLATE "C"',
    more: `
      CREATE TABLE IF NOT EXISTS vni_subnets (
        vni INTEGER PRIMARY KEY REFERENCES vnis (vni) ON DELETE CASCADE, net CIDR NOT NULL,
        first BIGINT GENERATED ALWAYS AS (net - inet '0.0.0.0') STORED,
        last BIGINT GENERATED ALWAYS AS (broadcast(net) - inet '0.0.0.0') STORED,
        CONSTRAINT vni_subnets_apart EXCLUDE USING gist (net inet_ops WITH &&)
      );`,
  }),
  given,
  among: (column, name, type) =>
    `${column} = ANY (ARRAY(SELECT ${name} FROM ${given({ [name]: type })}))`,
  forUpdate: "FOR UPDATE",
  skipLocked: "FOR UPDATE SKIP LOCKED",
  joined: (column) => `string_agg(${column}::text, ',')`,
  nowMs: "(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
  lockVnis: async (sql) => void (await sql.run("LOCK TABLE vnis IN SHARE ROW EXCLUSIVE MODE")),
  addAll: async (database, rows) => {
    const [one] = rows;
    try {
      if (one && rows.length === 1)
        await again(() => database.run(ADD_ONE, one.vni, one.owner, one.tenant));
      else await again(() => database.run(ADD_ALL, ...columnsOf(rows)));
      return true;
    } catch (error) {
      if (codeOf(error) === UNIQUE_VIOLATION) return false;
      throw error;
    }
  },
  add: async (database, rows) => {
    const added = await again(() => first(database, ADD, ...columnsOf(rows)));
    return Number(added?.["added"]);
  },
  addSubnets: (database, rows) => again(() => database.all(ADD_SUBNETS, JSON.stringify(rows))),
  subnetsWithin:
    "SELECT first, last FROM vni_subnets WHERE net && $3::cidr AND $1::bigint <= $2::bigint",
};

function columnsOf(rows: readonly VniRow[]): [string, string, string] {
  const vnis = rows.map(({ vni }) => vni).join(",");
  const owners = JSON.stringify(rows.map(({ owner }) => owner));
  return [`{${vnis}}`, owners, JSON.stringify(rows.map(({ tenant }) => tenant))];
}

export interface PostgresVnisDeps {
  connection: PoolConfig;
  /** Most connections at once. */
  connections: number;
  logger: Logger;
}

export function postgresVnis({ connection, connections, logger }: PostgresVnisDeps): VniDatabase {
  const pool = poolOf({
    connection: { ...connection, options: OPTIONS },
    max: connections,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    logger,
  });
  const once = async <T>(work: (sql: Sql) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let broken = true;
    try {
      await client.query("BEGIN");
      const result = await work(sqlOf(client));
      await client.query("COMMIT");
      broken = false;
      return result;
    } catch (error) {
      await client.query("ROLLBACK").then(
        () => (broken = false),
        () => {},
      );
      throw error;
    } finally {
      client.release(broken);
    }
  };
  return {
    ...sqlOf(pool),
    transact: (work) => again(() => once(work)),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

/** Several replicas may start at once: one makes the tables, the others find them. */
export async function makeTables(database: VniDatabase): Promise<void> {
  await database.transact(async (sql) => {
    await sql.run(MAKERS);
    for (const statement of POSTGRES_VNIS.schema.split(/;\s*\n/))
      if (statement.trim() !== "") await sql.run(statement);
  });
}

/** What PostgreSQL undid because of another transaction is done again. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await work();
    } catch (error) {
      if (!PASSING.has(codeOf(error)) || tries === TRIES_MAX) throw error;
    }
}

/** Of PostgreSQL. */
const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;
