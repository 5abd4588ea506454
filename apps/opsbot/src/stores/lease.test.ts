/** Several replicas on a real PostgreSQL: one leads, and whoever was replaced writes no more. */
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Journal } from "./journal.ts";
import { journalIn } from "./journal.ts";
import { LEASE_TIMES, Lease } from "./lease.ts";
import { prepare } from "./open-store.ts";
import type { Postgres } from "./postgres.testing.ts";
import { describeWithPostgres, startPostgres } from "./postgres.testing.ts";
import { postgresDatabase } from "./postgres.ts";
import type { Database } from "./sql.ts";
import { NotLeadingError } from "./sql.ts";

const STALE = { object: "edge-1", check: "freshness", title: "edge-1: stale" };
const PATIENCE = { timeout: 15_000, interval: 10 };
const logger = createLogger("opsbot", "silent");

interface Replica extends AsyncDisposable {
  lease: Lease;
  journal: Journal;
  database: Database;
  /** Fencing tokens of the terms that it had. */
  terms: bigint[];
  /** As if its process was stopped: it asks nothing more, and time passes for it all the same. */
  stop(): void;
  wake(): void;
}

describeWithPostgres()("a lease", { timeout: 60_000 }, () => {
  let postgres: Postgres;
  let url: string;
  let stack: AsyncDisposableStack;
  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    postgres = stack.use(await startPostgres());
    url = await postgres.database();
  }, 90_000);
  afterEach(() => stack.disposeAsync());

  async function replica(name: string): Promise<Replica> {
    let asleep: PromiseWithResolvers<void> | undefined;
    const awake = async () => asleep?.promise;
    let lease: Lease | undefined;
    const connection = { connectionString: url };
    const epoch = () => lease?.fencingToken();
    const real = postgresDatabase({ connection, epoch, logger });
    await prepare(real);
    const database: Database = {
      ...real,
      all: async (...words) => awake().then(() => real.all(...words)),
      run: async (...words) => awake().then(() => real.run(...words)),
      transactAnyway: async (work) => awake().then(() => real.transactAnyway(work)),
    };
    lease = new Lease({ database, name, clock: systemClock, logger });
    const terms: bigint[] = [];
    lease.start(async ({ fencingToken }) => void terms.push(fencingToken));
    const one: Replica = {
      lease,
      database,
      journal: journalIn(real, () => systemClock.nowUnixNano()),
      terms,
      stop: () => (asleep = Promise.withResolvers()),
      wake: () => {
        asleep?.resolve();
        asleep = undefined;
      },
      [Symbol.asyncDispose]: async () => {
        one.wake();
        await lease[Symbol.asyncDispose]();
        await real[Symbol.asyncDispose]();
      },
    };
    return stack.use(one);
  }

  const leads = (one: Replica) =>
    vi.waitFor(() => expect(one.lease.fencingToken()).toBeDefined(), PATIENCE);
  const isOver = (one: Replica) =>
    vi.waitFor(() => expect(one.lease.fencingToken()).toBeUndefined(), PATIENCE);
  const write = ({ journal }: Replica) =>
    journal.transact(async (records) => (await records.openIncident(STALE, "stale")).id);

  test("is had by one; when that one goes in good order the other leads at once", async () => {
    const one = await replica("opsbot-1");
    await leads(one);
    const other = await replica("opsbot-2");
    await systemClock.sleep(2 * LEASE_TIMES.leaseMs);
    expect(other.lease.fencingToken()).toBeUndefined();
    expect(other.lease.leader()).toBe("opsbot-1");
    await expect(write(other)).rejects.toThrow(NotLeadingError);
    const startMs = performance.now();
    await one.lease[Symbol.asyncDispose]();
    await leads(other);
    expect(performance.now() - startMs).toBeLessThan(LEASE_TIMES.leaseMs);
    expect(other.terms[0]).toBeGreaterThan(one.terms[0]!);
    expect(await write(other)).toBe(1);
  });

  test("that is not renewed goes to the other, and the one that wakes up writes nothing", async () => {
    const one = await replica("opsbot-1");
    await leads(one);
    const other = await replica("opsbot-2");
    await vi.waitFor(() => expect(other.lease.leader()).toBe("opsbot-1"), PATIENCE);
    one.stop();
    await leads(other);
    one.wake();
    await expect(write(one)).rejects.toThrow(NotLeadingError);
    expect(await write(other)).toBe(1);
    expect(other.terms[0]).toBeGreaterThan(one.terms[0]!);
    await vi.waitFor(() => expect(one.lease.leader()).toBe("opsbot-2"), PATIENCE);
  });

  test("keeps what a stopped one has begun to write from being written", async () => {
    const one = await replica("opsbot-1");
    await leads(one);
    const other = await replica("opsbot-2");
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const writing = one.journal.transact(async (records) => {
      await records.openIncident(STALE, "stale");
      begun.resolve();
      await goOn.promise;
    });
    writing.catch(() => {});
    await begun.promise;
    one.stop();
    await leads(other);
    goOn.resolve();
    await expect(writing).rejects.toThrow();
    expect(await other.journal.incidents(10, false)).toEqual([]);
  });

  test("ends while PostgreSQL does not answer, and begins anew when it does", async () => {
    const one = await replica("opsbot-1");
    await leads(one);
    await postgres.freeze();
    await isOver(one);
    await systemClock.sleep(2 * LEASE_TIMES.leaseMs);
    await expect(Promise.race([write(one), systemClock.sleep(500)])).rejects.toThrow(
      NotLeadingError,
    );
    await postgres.thaw();
    await leads(one);
    expect(one.terms.length).toBeGreaterThanOrEqual(2);
    expect(one.terms.at(-1)).toBeGreaterThan(one.terms[0]!);
    expect(await write(one)).toBeGreaterThan(0);
  });

  test("outlives a crash of PostgreSQL, with all that was written", async () => {
    const one = await replica("opsbot-1");
    await leads(one);
    const id = await write(one);
    await postgres.kill();
    await expect(write(one)).rejects.toThrow();
    await postgres.start();
    await leads(one);
    expect(await one.journal.incident(id)).toMatchObject(STALE);
  });

  test("is never had by two of many that begin at the same time", async () => {
    const all = await Promise.all(
      Array.from({ length: 5 }, (_, at) => replica(`opsbot-${at + 1}`)),
    );
    await vi.waitFor(() => expect(all.flatMap(({ terms }) => terms)).not.toEqual([]), PATIENCE);
    await systemClock.sleep(2 * LEASE_TIMES.leaseMs);
    expect(all.filter(({ lease }) => lease.fencingToken() !== undefined)).toHaveLength(1);
  });

  test("is needed for all but what people order", async () => {
    const one = await replica("opsbot-1");
    await leads(one);
    const other = await replica("opsbot-2");
    const kill = { kind: "kill", target: "", untilMs: 9, who: "anna" } as const;
    await other.journal.transactAnyway(({ guard }) => guard.order(kill));
    expect(await one.journal.guard.isKilled()).toBe(true);
  });
});
