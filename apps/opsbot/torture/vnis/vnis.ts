/** All VNIs, each once, over replicas and a database that are killed; then some that nobody wishes are found, and given away again. */
import { setTimeout as delay } from "node:timers/promises";

import type { Progress } from "@glassline/bench/progress";
import { Client } from "pg";

import { startPostgres } from "../../src/stores/postgres.testing.ts";
import { Bitmap } from "./bitmap.ts";
import { Faults } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import type { Chunk } from "./words.ts";
import { TENANT, isDropped, numberOf } from "./words.ts";

const CHUNK = 2_048;
/** Each how manieth owner is wished no more. */
const DROP_EACH = 16;
/** VNIs of those that a node still has. */
const SEEN = 500;
/** What a killed replica had sent to the database is over then. */
const SETTLE_MS = 1_000;
const PAGE = 100_000;
const ALL = 16_777_214;
/** What was killed in the middle is to be replayed in time. */
const WAL_MAX = "512MB";

export interface TortureOptions {
  vnis: number;
  replicas: number;
  kills: number;
  stops: number;
  restarts: number;
}

export interface Tortured {
  given: number;
  kills: number;
  stops: number;
  restarts: number;
  /** Answers, and those that were answered before. */
  answers: number;
  again: number;
  allocateMs: number;
  /** Those that nobody wished, and were given away again. */
  dropped: number;
  blocksReturned: number;
  duplicates: number;
  changed: number;
  /** VNIs that nobody has, and nobody can get. */
  leaked: number;
  /** For people; the first ones. */
  problems: string[];
}

/** @param stopping aborted: nothing more is killed. */
export async function torture(
  options: TortureOptions,
  random: () => number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  const { vnis, replicas } = options;
  await using postgres = await startPostgres();
  const url = await postgres.database();
  await limitWal(url);
  const range = vnis === ALL ? {} : { ranges: [{ first: 1, last: vnis }] };
  const bitmap = new Bitmap(vnis, vnis + Math.ceil(vnis / DROP_EACH));
  await using fleet = new Fleet([url, JSON.stringify(range)], replicas, bitmap, random);
  const faults = new Faults(options, { fleet, postgres, random, stopping });
  const { kills, stops, restarts } = options;
  const all: Tortured = { ...NOTHING, problems: bitmap.problems };
  try {
    await play(all, options, { fleet, faults, bitmap, progress });
    await faults.settled();
    await lookAtAll(all, bitmap, url);
  } catch (error) {
    all.problems.push(error instanceof Error ? error.message : String(error));
  }
  await faults.settled();
  const { done } = faults;
  all.problems.push(...faults.problems);
  if (!stopping.aborted && (done.kills < kills || done.stops < stops || done.restarts < restarts))
    all.problems.push(`faults: got ${JSON.stringify(done)}, expected all of them`);
  const { answers, again } = fleet;
  const { duplicates, changed } = bitmap;
  return { ...all, ...done, answers, again, duplicates, changed };
}

const NOTHING: Omit<Tortured, "problems"> = {
  given: 0,
  kills: 0,
  stops: 0,
  restarts: 0,
  answers: 0,
  again: 0,
  allocateMs: 0,
  dropped: 0,
  blocksReturned: 0,
  duplicates: 0,
  changed: 0,
  leaked: 0,
};

interface Stage {
  fleet: Fleet;
  faults: Faults;
  bitmap: Bitmap;
  progress: Progress;
}

async function play(
  all: Tortured,
  { vnis }: TortureOptions,
  { fleet, faults, bitmap, progress }: Stage,
): Promise<void> {
  const tell = () => {
    faults.next(bitmap.set / vnis);
    progress.tell(`${bitmap.set} of ${vnis} VNIs, ${JSON.stringify(faults.done)}`);
  };
  const startMs = performance.now();
  await fleet.allocate(chunksOf(0, vnis), tell);
  all.allocateMs = performance.now() - startMs;
  all.given = bitmap.set;
  progress.say(`${bitmap.set} of ${vnis} VNIs in ${Math.round(all.allocateMs / 1_000)} s`);
  // Nobody may still be at work for an owner that is wished no more from now on.
  await faults.settled();
  await fleet.killAll();
  await delay(SETTLE_MS);
  const about = { kept: vnis, dropEach: DROP_EACH, seen: SEEN };
  const reconciled = fleet.reconcile(about);
  faults.killSoon();
  const { blocksReturned } = await reconciled;
  all.blocksReturned = blocksReturned;
  for (let owner = 0; owner < vnis; owner++)
    if (isDropped(owner, about)) {
      bitmap.drop(owner);
      all.dropped++;
    }
  progress.say(`${all.dropped} owners are wished no more`);
  await fleet.allocate(chunksOf(vnis, all.dropped), tell);
}

function chunksOf(from: number, count: number): Chunk[] {
  return Array.from({ length: Math.ceil(count / CHUNK) }, (_, at) => ({
    first: from + at * CHUNK,
    count: Math.min(CHUNK, count - at * CHUNK),
  }));
}

/** Each VNI is somebody's, and the database says the same of whom as the replicas did. */
async function lookAtAll(all: Tortured, bitmap: Bitmap, url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const problem = (text: string) => {
    if (all.problems.length < 20) all.problems.push(text);
  };
  try {
    let [after, rowsSeen] = [0, 0];
    for (;;) {
      const { rows } = await client.query<{ vni: number; owner: string | null; tenant: string }>(
        "SELECT vni, owner, tenant FROM vnis WHERE vni > $1 ORDER BY vni LIMIT $2",
        [after, PAGE],
      );
      if (rows.length === 0) break;
      for (const { vni, owner, tenant } of rows) {
        if (vni !== after + 1) problem(`VNI ${after + 1}: got nobody, expected somebody`);
        if (owner === null || tenant !== TENANT || bitmap.vniOf(numberOf(owner)) !== vni)
          problem(`VNI ${vni}: got ${owner} of ${tenant}, expected whom a replica told`);
        after = vni;
      }
      rowsSeen += rows.length;
    }
    all.leaked = all.given - rowsSeen;
    if (rowsSeen !== all.given || bitmap.set !== all.given)
      problem(`got ${rowsSeen} VNIs written down and ${bitmap.set} told, expected ${all.given}`);
  } finally {
    await client.end();
  }
}

async function limitWal(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`ALTER SYSTEM SET max_wal_size = '${WAL_MAX}'`);
  await client.query("SELECT pg_reload_conf()").finally(() => client.end());
}
