/** The store of `openStore`, with its boundaries; on request each transaction leaves in whose term it was, for whoever looks later. */
import type { AppDeps } from "@glassline/service/app";

import type { OpsBotConfig } from "../../src/config.ts";
import { leadAlone } from "../../src/stores/alone.ts";
import type { Journal } from "../../src/stores/journal.ts";
import { journalIn } from "../../src/stores/journal.ts";
import type { Leadership } from "../../src/stores/leadership.ts";
import { Lease } from "../../src/stores/lease.ts";
import { openSqlite, prepare } from "../../src/stores/open-store.ts";
import { readPostgresSettings } from "../../src/stores/postgres-settings.ts";
import { postgresDatabase } from "../../src/stores/postgres.ts";
import type { Database } from "../../src/stores/sql.ts";
import type { Boundaries } from "./boundaries.ts";
import { databaseWith } from "./boundaries.ts";

type Deps = Pick<AppDeps, "clock" | "logger">;

/** @param leavesTerms only in PostgreSQL. */
export async function openWatchedStore(
  config: Pick<OpsBotConfig, "name" | "dataDir" | "postgres" | "postgresCa">,
  boundaries: Boundaries,
  leavesTerms: boolean,
  { clock, logger }: Deps,
): Promise<{ journal: Journal; leadership: Leadership }> {
  const { name } = config;
  const now = () => clock.nowUnixNano();
  const settings = await readPostgresSettings(config);
  if (!settings) {
    const database = databaseWith(boundaries, openSqlite(config.dataDir), false);
    const nowS = Math.floor(clock.nowMs() / 1_000);
    const leadership = await leadAlone(database, { name, nowS, logger });
    return { journal: journalIn(database, now), leadership };
  }
  let leadership: Leadership | undefined;
  const epoch = () => leadership?.fencingToken();
  const real = postgresDatabase({ connection: settings, epoch, logger });
  const watched = databaseWith(boundaries, real, true);
  await prepare(watched);
  if (leavesTerms) await real.transactAnyway((sql) => sql.run(TERMS_OF_COMMITS));
  const database = leavesTerms ? leavingTerms(watched, epoch) : watched;
  leadership = new Lease({ database, name, clock, logger });
  return { journal: journalIn(database, now), leadership };
}

const TERMS_OF_COMMITS =
  "CREATE TABLE IF NOT EXISTS terms_of_commits (term BIGINT NOT NULL, newest BIGINT NOT NULL)";

/** Of how many transactions a newer term had begun before they were committed. */
export const STALE_COMMITS =
  "SELECT count(*) AS stale FROM terms_of_commits WHERE term IS DISTINCT FROM newest";

/** Transactions take turns, so that the newest term is that in which this one is committed. */
function leavingTerms(database: Database, epoch: () => bigint | undefined): Database {
  return {
    ...database,
    transact: (work) => {
      const term = Number(epoch() ?? 0n);
      return database.transact(async (sql) => {
        const result = await work(sql);
        await sql.run(
          "INSERT INTO terms_of_commits SELECT $1::bigint, max(fencing_token) FROM starts",
          term,
        );
        return result;
      });
    },
  };
}
