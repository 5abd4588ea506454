/** VNIs in PostgreSQL: any number of replicas, each with several connections. */
import type { Logger } from "@glassline/service/logger";
import type { PoolConfig } from "pg";

import { poolOf, sqlOf } from "../stores/postgres.ts";
import type { Sql } from "../stores/sql.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import { schemaWith } from "./dialect.ts";

/** Each of the two is tried again as a whole: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const PASSING: ReadonlySet<unknown> = new Set(["40001", "40P01"]);
const TRIES_MAX = 5;
/** "glas", "vnis": one replica at a time makes the tables. */
const MAKERS = "SELECT pg_advisory_xact_lock(1735156083, 1986947443)";

const given: VniDialect["given"] = (columns) =>
  `json_to_recordset($1::json) AS given(${Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(", ")})`;

const ADD = `
  WITH added AS (
    INSERT INTO vnis (vni, owner, tenant)
    SELECT vni, owner, tenant FROM ${given({ vni: "INTEGER", owner: "TEXT", tenant: "TEXT" })}
    ON CONFLICT DO NOTHING RETURNING vni, owner, tenant
  ), counted AS (
    UPDATE vni_tenants SET used = used + more
    FROM (SELECT tenant AS name, count(*) AS more FROM added GROUP BY tenant) AS counts WHERE tenant = name
  )
  SELECT vni, owner FROM added`;

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
  add: (database, rows) => again(() => database.all(ADD, JSON.stringify(rows))),
  addSubnets: (database, rows) => again(() => database.all(ADD_SUBNETS, JSON.stringify(rows))),
  subnetsWithin:
    "SELECT first, last FROM vni_subnets WHERE net && $3::cidr AND $1::bigint <= $2::bigint",
};

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
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (!PASSING.has(code) || tries === TRIES_MAX) throw error;
    }
}
