/** Leadership of a process that has its journal for itself. */
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { beginTerm } from "./journal.ts";
import type { Leadership } from "./leadership.ts";
import type { Database } from "./sql.ts";

export async function leadAlone(
  database: Database,
  { name, nowS, logger }: { name: string; nowS: number; logger: Logger },
): Promise<Leadership> {
  const fencingToken = await database.transactAnyway((sql) => beginTerm(sql, nowS));
  const over = new AbortController();
  let running: Promise<void> = Promise.resolve();
  return {
    fencingToken: () => (over.signal.aborted ? undefined : fencingToken),
    leader: () => name,
    start: (begin) => {
      running = begin({ fencingToken, over: over.signal }).catch((error: unknown) =>
        logger.error({ problem: messageOf(error) }, "OpsBot could not begin"),
      );
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await running;
    },
  };
}
