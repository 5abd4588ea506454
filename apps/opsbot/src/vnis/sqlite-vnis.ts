/** VNIs in a file: for one process. */
import type { DatabaseSync } from "node:sqlite";

import { messageOf } from "@glassline/service/errors";

import { sqliteDatabase } from "../stores/sqlite.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import { schemaWith } from "./dialect.ts";

const given: VniDialect["given"] = (columns) =>
  `(SELECT ${Object.keys(columns)
    .map((name) => `value ->> '${name}' AS ${name}`)
    .join(", ")} FROM json_each($1)) AS given`;

const ADD_ALL = `
  INSERT INTO vnis (vni, owner, tenant)
  SELECT vni, owner, tenant FROM ${given({ vni: "INTEGER", owner: "TEXT", tenant: "TEXT" })}`;

const ADD = `${ADD_ALL} WHERE true
  ON CONFLICT DO NOTHING`;

const ADD_SUBNETS = `
  INSERT INTO vni_subnets (vni, net, first, last)
  SELECT vni, net, first, last
  FROM ${given({ vni: "INTEGER", net: "TEXT", first: "INTEGER", last: "INTEGER" })} WHERE true
  ON CONFLICT DO NOTHING RETURNING vni`;

/** Subnets that are there are apart: only the one that begins last can reach into a new one. */
const NO_OVERLAP = `
  SELECT RAISE(IGNORE) WHERE
    (SELECT last FROM vni_subnets WHERE first <= NEW.last ORDER BY first DESC LIMIT 1) >= NEW.first`;

export const SQLITE_VNIS: VniDialect = {
  schema: schemaWith({
    integer: "INTEGER",
    strict: "STRICT",
    bytewise: "",
    more: `
      CREATE TABLE IF NOT EXISTS vni_subnets (
        vni INTEGER PRIMARY KEY REFERENCES vnis (vni) ON DELETE CASCADE, net TEXT NOT NULL,
        first INTEGER NOT NULL UNIQUE, last INTEGER NOT NULL
      ) STRICT;
      CREATE TRIGGER IF NOT EXISTS vni_subnets_apart BEFORE INSERT ON vni_subnets
        BEGIN ${NO_OVERLAP}; END;
      CREATE TRIGGER IF NOT EXISTS vni_subnets_stay BEFORE UPDATE ON vni_subnets
        BEGIN SELECT RAISE(ABORT, 'vni_subnets: a subnet never changes'); END;
      CREATE TRIGGER IF NOT EXISTS vnis_counted AFTER INSERT ON vnis
        BEGIN UPDATE vni_tenants SET used = used + 1 WHERE tenant = NEW.tenant; END;`,
  }),
  given,
  among: (column, name, type) => `${column} IN (SELECT ${name} FROM ${given({ [name]: type })})`,
  forUpdate: "",
  skipLocked: "",
  joined: (column) => `group_concat(${column}, ',')`,
  nowMs: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  lockVnis: async () => {},
  addAll: async (database, rows) => {
    try {
      return (await database.run(ADD_ALL, JSON.stringify(rows))) > 0;
    } catch (error) {
      if (messageOf(error).startsWith("UNIQUE constraint failed: vnis.")) return false;
      throw error;
    }
  },
  add: (database, rows) => database.run(ADD, JSON.stringify(rows)),
  addSubnets: (database, rows) => database.all(ADD_SUBNETS, JSON.stringify(rows)),
  subnetsWithin:
    "SELECT first, last FROM vni_subnets WHERE first <= $2 AND last >= $1 AND $3 <> ''",
};

/** @param database with the schema; it is closed with this. */
export const sqliteVnis = (database: DatabaseSync): VniDatabase => sqliteDatabase(database);
