/** Journals of tests: in a file, and in a real PostgreSQL. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { onTestFinished } from "vitest";

import { leadAlone } from "./alone.ts";
import type { Journal } from "./journal.ts";
import { journalIn } from "./journal.ts";
import type { Leadership } from "./leadership.ts";
import { Lease } from "./lease.ts";
import { openSqlite, prepare } from "./open-store.ts";
import { patiently } from "./postgres.testing.ts";
import { postgresDatabase } from "./postgres.ts";
import type { Database } from "./sql.ts";

const logger = createLogger("opsbot", "silent");

/** A journal whose process leads. */
export interface Led extends AsyncDisposable {
  journal: Journal;
  /** Below it. */
  database: Database;
  fencingToken: bigint;
}

export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "glassline-journal-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** @param now Unix nanoseconds. */
export async function openFile(directory: string, now: () => bigint): Promise<Led> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(openSqlite(directory));
  const nowS = Number(now() / 1_000_000_000n);
  const leadership = stack.use(await leadAlone(database, { name: "opsbot", nowS, logger }));
  return ledBy({ journal: journalIn(database, now), database }, leadership, stack.move());
}

/** Resolves when it leads. */
export async function openPostgres(url: string, now: () => bigint, name = "opsbot"): Promise<Led> {
  await using stack = new AsyncDisposableStack();
  let leadership: Lease | undefined;
  const epoch = () => leadership?.fencingToken();
  const connection = patiently(url);
  const database = stack.use(postgresDatabase({ connection, epoch, logger }));
  await prepare(database);
  const clock = { ...systemClock, nowMs: () => Number(now() / 1_000_000n) };
  leadership = stack.use(new Lease({ database, name, clock, logger }));
  const { promise, resolve } = Promise.withResolvers<void>();
  leadership.start(async () => resolve());
  await promise;
  return ledBy({ journal: journalIn(database, now), database }, leadership, stack.move());
}

function ledBy(
  kept: Pick<Led, "journal" | "database">,
  leadership: Leadership,
  owned: AsyncDisposableStack,
): Led {
  return {
    ...kept,
    fencingToken: leadership.fencingToken()!,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
