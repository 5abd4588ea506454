/** VNIs given away a second, beside plain inserts into the same PostgreSQL, and in a file. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { Client, Pool } from "pg";

import { startPostgres } from "../src/stores/postgres.testing.ts";
import { openAllocator, openVnisFile } from "../src/vnis/open-vnis.ts";
import { POSTGRES_VNIS, makeTables, postgresVnis } from "../src/vnis/postgres-vnis.ts";
import { DEFAULT_SETTINGS } from "../src/vnis/settings.ts";
import { SQLITE_VNIS } from "../src/vnis/sqlite-vnis.ts";
import type { Vnis } from "../src/vnis/vnis.ts";

const BENCH = "vnis";
const CONNECTIONS = 32;
/** Batches at once. */
const BATCH_CONNECTIONS = 4;
const BATCHES = [256, 4_096] as const;
const SIZES = {
  full: { batched: 400_000, single: 60_000, singleInFile: 5_000, rounds: 5 },
  quick: { batched: 20_000, single: 2_000, singleInFile: 200, rounds: 1 },
} as const;
const options = { settings: DEFAULT_SETTINGS, clock: systemClock };
const logger = createLogger("opsbot", "silent");

/** Writes so many, from this one on. */
type Batch = (from: number, count: number) => Promise<unknown>;

export async function measureVnis(isQuick: boolean): Promise<void> {
  const sizes = isQuick ? SIZES.quick : SIZES.full;
  about(
    BENCH,
    `VNIs given to new owners by one replica, durable when they are answered. PostgreSQL on the same machine with fsync and synchronous_commit, as it comes. single: ${CONNECTIONS} callers ask for one VNI after the other, and those who ask at the same moment share a transaction; batched: so many owners a transaction, over ${BATCH_CONNECTIONS}. plain: the same numbers and owners by the same client, into a table with a primary key and nothing else, a transaction for each where ours are single: PostgreSQL's own; ours has a second unique key (the owner) and counts quotas. Rounds take turns; medians. file: SQLite, synchronous = FULL. The client has one core at most. Goals: 100,000 batched, 15,000 single; measured elsewhere as PostgreSQL's own: 133,000 in batches of 256, 18,000.`,
  );
  await measurePostgres(sizes);
  await measureFile(sizes);
}

type Sizes = (typeof SIZES)["full" | "quick"];

async function measurePostgres({ batched, single, rounds }: Sizes): Promise<void> {
  await using postgres = await startPostgres();
  const url = await postgres.database();
  await mustBeDurable(url);
  const database = postgresVnis({
    connection: { connectionString: url },
    connections: CONNECTIONS,
    logger,
  });
  await makeTables(database);
  await using vnis = await openAllocator(database, POSTGRES_VNIS, options);
  await using plain = await plainTable(url);
  const next = { plain: 1, ours: 1 };
  for (const batch of [1, ...BATCHES]) {
    const count = batch === 1 ? single : batched;
    const connections = batch === 1 ? CONNECTIONS : BATCH_CONNECTIONS;
    const rates: Record<"plain" | "ours", number[]> = { plain: [], ours: [] };
    for (let round = 0; round < rounds; round++)
      for (const [what, write] of [
        ["plain", plain.insert] as const,
        ["ours", give(vnis)] as const,
      ]) {
        rates[what].push(await rateOf(write, next[what], { count, batch, connections }));
        next[what] += count;
      }
    const params = { store: "postgresql", batch, connections, count, rounds };
    report(BENCH, "vnis", median(rates.ours), "VNIs/s", params);
    report(BENCH, "plain_inserts", median(rates.plain), "rows/s", params);
  }
}

async function measureFile({ batched, singleInFile, rounds }: Sizes): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const vnis = stack.use(await openAllocator(openVnisFile(directory), SQLITE_VNIS, options));
  let next = 1;
  for (const batch of [1, ...BATCHES]) {
    const count = batch === 1 ? singleInFile : batched;
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) {
      rates.push(await rateOf(give(vnis), next, { count, batch, connections: 1 }));
      next += count;
    }
    report(BENCH, "vnis", median(rates), "VNIs/s", { store: "file", batch, count, rounds });
  }
}

function give(vnis: Vnis): Batch {
  const wish = (number: number) => ({ owner: `channel/${number}`, tenant: "acme", ipv4: false });
  return async (from, count) =>
    count === 1
      ? vnis.allocate(wish(from))
      : vnis.allocateAll(Array.from({ length: count }, (_, at) => wish(from + at)));
}

/** @returns a second. */
async function rateOf(
  write: Batch,
  first: number,
  { count, batch, connections }: { count: number; batch: number; connections: number },
): Promise<number> {
  let next = first;
  const end = first + count;
  const startMs = performance.now();
  const work = async () => {
    while (next < end) {
      const from = next;
      next = Math.min(end, from + batch);
      await write(from, next - from);
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return (count * 1_000) / (performance.now() - startMs);
}

/** What PostgreSQL does by itself. */
async function plainTable(url: string): Promise<{ insert: Batch } & AsyncDisposable> {
  const pool = new Pool({ connectionString: url, max: CONNECTIONS });
  await pool.query("CREATE TABLE plain (vni INTEGER PRIMARY KEY, owner TEXT NOT NULL)");
  const one = { name: "one", text: "INSERT INTO plain VALUES ($1, $2)" };
  const many = {
    name: "many",
    text: "INSERT INTO plain SELECT * FROM unnest($1::integer[], $2::text[])",
  };
  return {
    insert: async (from, count) => {
      if (count === 1) return pool.query({ ...one, values: [from, `channel/${from}`] });
      const numbers = Array.from({ length: count }, (_, at) => from + at);
      const owners = numbers.map((number) => `channel/${number}`);
      return pool.query({ ...many, values: [numbers, owners] });
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

async function mustBeDurable(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const setting of ["fsync", "synchronous_commit", "full_page_writes"]) {
      const { rows } = await client.query<Record<string, string>>(`SHOW ${setting}`);
      if (rows[0]?.[setting] !== "on")
        throw new Error(`${setting}: got ${rows[0]?.[setting]}, expected on`);
    }
  } finally {
    await client.end();
  }
}
