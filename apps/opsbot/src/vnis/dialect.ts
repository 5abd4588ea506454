/** What the two databases say differently about VNIs. Rows are given as one value: a JSON array. */
import type { Database, Row, Sql } from "../stores/sql.ts";

export type VniDatabase = Pick<Database, "all" | "run" | "transact"> & AsyncDisposable;

export interface VniRow {
  vni: number;
  owner: string;
  tenant: string;
}

/** "10.64.3.0/24" from its first address to its last one. */
export interface SubnetRow {
  vni: number;
  net: string;
  first: number;
  last: number;
}

export interface VniDialect {
  /** Statements that may be run again. */
  schema: string;
  /** Rows of the JSON array in `$1`, as a table called "given". */
  given: (columns: Readonly<Record<string, "INTEGER" | "BIGINT" | "TEXT">>) => string;
  /** Whether a column is among those of the JSON array in `$1`; by its index. */
  among: (column: string, name: string, type: "INTEGER" | "TEXT") => string;
  /** Behind a SELECT: others wait, or go on with the next row. */
  forUpdate: string;
  skipLocked: string;
  /** All values of a column as one text, with commas between. */
  joined: (column: string) => string;
  /** Unix milliseconds, by the clock of the database. */
  nowMs: string;
  /** Keeps others from adding VNIs until the transaction ends. */
  lockVnis: (sql: Sql) => Promise<void>;
  /** Adds and counts them as a whole. Rejects when a quota is used up. @returns false: nothing, one of them has a VNI or meets one that is taken. */
  addAll: (database: VniDatabase, rows: readonly VniRow[]) => Promise<boolean>;
  /** Adds and counts those that do not. @returns how many. */
  add: (database: VniDatabase, rows: readonly VniRow[]) => Promise<number>;
  /** Adds those that meet no other subnet, as a whole or not at all. @returns vni */
  addSubnets: (database: Sql, rows: readonly SubnetRow[]) => Promise<Row[]>;
  /** Subnets that touch the addresses from `$1` to `$2`, or the network `$3`. @returns first, last */
  subnetsWithin: string;
}

/** In the message of both databases. */
export const isQuotaError = (message: string): boolean => message.includes("vni_quota");

/** @param more of PostgreSQL or SQLite: the table of subnets, which refuses those that overlap. */
export const schemaWith = ({
  integer,
  strict,
  bytewise,
  more,
}: {
  integer: string;
  strict: string;
  /** Behind a text: it is compared by its bytes. */
  bytewise: string;
  more: string;
}): string => `
  CREATE TABLE IF NOT EXISTS vni_network (id ${integer} PRIMARY KEY, global_id TEXT NOT NULL) ${strict};
  CREATE TABLE IF NOT EXISTS vni_tenants (
    tenant TEXT PRIMARY KEY, quota ${integer} NOT NULL, ceiling ${integer} NOT NULL, used ${integer} NOT NULL,
    CONSTRAINT vni_quota CHECK (used <= ceiling)
  ) ${strict};
  CREATE TABLE IF NOT EXISTS vnis (
    vni INTEGER PRIMARY KEY CHECK (vni BETWEEN 1 AND 16777214), owner TEXT ${bytewise} UNIQUE, tenant TEXT NOT NULL, former_owner TEXT
  ) ${strict};
  CREATE TABLE IF NOT EXISTS vni_quarantine (vni INTEGER NOT NULL, node TEXT NOT NULL, PRIMARY KEY (node, vni)) ${strict};
  CREATE INDEX IF NOT EXISTS vni_quarantine_of ON vni_quarantine (vni);
  CREATE TABLE IF NOT EXISTS vni_blocks (
    pool TEXT NOT NULL, kind TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    holder TEXT NOT NULL DEFAULT '', until ${integer} NOT NULL DEFAULT 0, used_up INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (pool, first)
  ) ${strict};
  CREATE INDEX IF NOT EXISTS vni_blocks_left ON vni_blocks (pool, first) WHERE used_up = 0;
  ${more}
`;
