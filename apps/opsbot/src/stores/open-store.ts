/** The journal and who may write it: PostgreSQL where there is one, else a file. */
import { join } from "node:path";

import type { AppDeps } from "@glassline/service/app";
import { openDatabase } from "@glassline/service/database";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { OpsBotConfig } from "../config.ts";
import { leadAlone } from "./alone.ts";
import type { Journal } from "./journal.ts";
import { journalIn } from "./journal.ts";
import type { Leadership } from "./leadership.ts";
import { Lease } from "./lease.ts";
import { postgresDatabase, POSTGRES } from "./postgres.ts";
import { readPostgresSettings } from "./postgres-settings.ts";
import { schemaOf } from "./schema.ts";
import type { Database } from "./sql.ts";
import { SQLITE, sqliteDatabase } from "./sqlite.ts";

export interface Store extends AsyncDisposable {
  journal: Journal;
  leadership: Leadership;
}

type StoreConfig = Pick<OpsBotConfig, "name" | "dataDir" | "postgres" | "postgresCa">;

/** Throws OperatorError. */
export async function openStore(
  config: StoreConfig,
  { clock, logger }: Pick<AppDeps, "clock" | "logger">,
): Promise<Store> {
  await using stack = new AsyncDisposableStack();
  const { name } = config;
  const now = () => clock.nowUnixNano();
  const settings = await readPostgresSettings(config);
  if (!settings) {
    const database = stack.use(openSqlite(config.dataDir));
    const nowS = Math.floor(clock.nowMs() / 1_000);
    const leadership = stack.use(await leadAlone(database, { name, nowS, logger }));
    return storeOf(journalIn(database, now), leadership, stack.move());
  }
  let leadership: Leadership | undefined;
  const epoch = () => leadership?.fencingToken();
  const database = stack.use(postgresDatabase({ connection: settings, epoch, logger }));
  await prepare(database);
  leadership = stack.use(new Lease({ database, name, clock, logger }));
  return storeOf(journalIn(database, now), leadership, stack.move());
}

/** Throws OperatorError when another process has it. */
export function openSqlite(directory: string): Database {
  return sqliteDatabase(openDatabase(join(directory, "opsbot.sqlite"), schemaOf(SQLITE)));
}

/** Several replicas may start at once: one makes the tables, the others find them. */
export async function prepare(database: Database): Promise<void> {
  const makeTables = () =>
    database.transactAnyway(async (sql) => {
      for (const statement of statementsOf(schemaOf(POSTGRES))) await sql.run(statement);
    });
  try {
    // A process that was held up in the middle is let go by PostgreSQL.
    await makeTables().catch(makeTables);
  } catch (error) {
    throw new OperatorError(`PostgreSQL (--postgres): ${messageOf(error)}`, { cause: error });
  }
}

/** A body of a function has semicolons of its own. */
const statementsOf = (schema: string) =>
  schema
    .split(/;\s*\n/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");

function storeOf(journal: Journal, leadership: Leadership, owned: AsyncDisposableStack): Store {
  return { journal, leadership, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
