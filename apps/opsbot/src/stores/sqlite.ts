/** The journal in a file: for one process. SQLite is synchronous, so nothing else happens during a transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

import type { Database, Dialect, Row, Sql, Value } from "./sql.ts";
import { Turns } from "./turns.ts";

export const SQLITE: Dialect = {
  id: "INTEGER PRIMARY KEY AUTOINCREMENT",
  integer: "INTEGER",
  strict: "STRICT",
  appendOnly: (table) =>
    ["UPDATE", "DELETE"]
      .map(
        (
          verb,
        ) => `CREATE TRIGGER IF NOT EXISTS no_${verb.toLowerCase()}_of_${table} BEFORE ${verb} ON ${table}
          BEGIN SELECT RAISE(ABORT, '${table}: lines are only ever added'); END;`,
      )
      .join("\n"),
};

/** @param database with its schema; it is closed with this. */
export function sqliteDatabase(database: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>();
  const turns = new Turns();
  const prepared = (text: string) => {
    const known = statements.get(text);
    if (known) return known;
    const statement = database.prepare(text);
    statements.set(text, statement);
    return statement;
  };
  const sql: Sql = {
    all: async (text, ...values) => prepared(text).all(named(values)) as Row[],
    run: async (text, ...values) => Number(prepared(text).run(named(values)).changes),
  };
  const transact = <T>(work: (sql: Sql) => Promise<T>) =>
    turns.take(async () => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = await work(sql);
        database.exec("COMMIT");
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    });
  return {
    all: (text, ...values) => turns.take(() => sql.all(text, ...values)),
    run: (text, ...values) => turns.take(() => sql.run(text, ...values)),
    transact,
    transactAnyway: transact,
    // What is under way ends first.
    [Symbol.asyncDispose]: () => turns.take(async () => database.close()),
  };
}

const named = (values: readonly Value[]) =>
  Object.fromEntries(values.map((value, at) => [`$${at + 1}`, value]));
