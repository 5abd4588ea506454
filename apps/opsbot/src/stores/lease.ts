/**
 * Leadership by a row that its holder renews. Whoever sees no renewal for the length of the lease, by its own clock, takes over with a higher
 * epoch; clocks of different machines are never compared.
 */
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { beginTerm } from "./journal.ts";
import type { Leadership, Term } from "./leadership.ts";
import type { Database, Row, Sql } from "./sql.ts";
import { first } from "./sql.ts";

export interface LeaseTimes {
  leaseMs: number;
  renewMs: number;
  lookMs: number;
}

/** A takeover comes at most a lease and a look after the last renewal. */
export const LEASE_TIMES: LeaseTimes = { leaseMs: 900, renewMs: 200, lookMs: 75 };

export interface LeaseDeps {
  database: Database;
  /** Of this replica, for people. */
  name: string;
  clock: Clock;
  logger: Logger;
  times?: LeaseTimes;
}

interface Seen {
  epoch: number;
  beat: number;
  holder: string;
}

export class Lease implements Leadership {
  readonly #deps: LeaseDeps;
  readonly #times: LeaseTimes;
  readonly #stop = new AbortController();
  #seen: Seen | undefined;
  #seenSinceMs = 0;
  #term: { epoch: bigint; renewedMs: number; over: AbortController } | undefined;
  #running: Promise<void> = Promise.resolve();
  #problem = "";

  constructor(deps: LeaseDeps) {
    this.#deps = deps;
    this.#times = deps.times ?? LEASE_TIMES;
  }

  fencingToken(): bigint | undefined {
    const { clock } = this.#deps;
    const term = this.#term;
    // Also when this process was stopped meanwhile, and does not know it yet.
    const isOld = term && clock.monotonicMs() - term.renewedMs > this.#times.leaseMs;
    return isOld ? undefined : term?.epoch;
  }

  leader(): string {
    return this.#seen?.holder ?? "";
  }

  start(begin: (term: Term) => Promise<void>): void {
    this.#running = this.#run(begin);
  }

  /** Whoever waits takes over at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(begin: (term: Term) => Promise<void>): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#untilWon();
        if (!signal.aborted) await this.#lead(begin);
        this.#problem = "";
      } catch (error) {
        this.#tell(messageOf(error));
        await clock.sleep(this.#times.lookMs, signal).catch(() => {});
      }
    }
  }

  #tell(problem: string): void {
    if (problem !== this.#problem) this.#deps.logger.warn({ problem }, "leadership is uncertain");
    this.#problem = problem;
  }

  async #untilWon(): Promise<void> {
    const { clock, database } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      const row = await first(database, "SELECT epoch, beat, holder FROM leader");
      if (this.#mayTakeOver(row && seenOf(row), startedMs) && (await this.#takeOver())) return;
      await clock.sleep(this.#times.lookMs, signal).catch(() => {});
    }
  }

  #mayTakeOver(row: Seen | undefined, nowMs: number): boolean {
    const isSame = row?.epoch === this.#seen?.epoch && row?.beat === this.#seen?.beat;
    if (!isSame || this.#seenSinceMs === 0) [this.#seen, this.#seenSinceMs] = [row, nowMs];
    if (!row || row.holder === "") return true;
    return nowMs - this.#seenSinceMs > this.#times.leaseMs;
  }

  /** @returns whether this process leads now. */
  async #takeOver(): Promise<boolean> {
    const { clock, database, name, logger } = this.#deps;
    const startedMs = clock.monotonicMs();
    const epoch = await database.transactAnyway(async (sql) => {
      const row = await first(sql, "SELECT epoch, beat, holder FROM leader FOR UPDATE");
      const isStill = Number(row?.["beat"] ?? 0) === (this.#seen?.beat ?? 0);
      if (!isStill || Number(row?.["epoch"] ?? 0) !== (this.#seen?.epoch ?? 0)) return undefined;
      const token = await beginTerm(sql, Math.floor(clock.nowMs() / 1_000));
      await holdAs(sql, Number(token), name);
      return token;
    });
    if (epoch === undefined) return false;
    this.#term = { epoch, renewedMs: startedMs, over: new AbortController() };
    this.#seen = { epoch: Number(epoch), beat: 0, holder: name };
    logger.info({ epoch: Number(epoch) }, "this OpsBot leads");
    return true;
  }

  async #lead(begin: (term: Term) => Promise<void>): Promise<void> {
    const { logger, clock } = this.#deps;
    const { epoch, over } = this.#term!;
    const stop = this.#stop.signal;
    const begun = begin({ fencingToken: epoch, over: over.signal }).catch((error: unknown) => {
      logger.error({ problem: messageOf(error) }, "a term could not begin");
      over.abort();
    });
    try {
      while (!stop.aborted && !over.signal.aborted && this.fencingToken() !== undefined) {
        const asleep = clock.sleep(this.#times.renewMs, AbortSignal.any([stop, over.signal]));
        await Promise.all([this.#renewInTime(), asleep]).catch(() => {});
      }
    } finally {
      over.abort();
      await begun;
      this.#term = undefined;
      this.#seenSinceMs = 0;
      logger.info({ epoch: Number(epoch) }, "the term of this OpsBot is over");
      await this.#giveUp(epoch);
    }
  }

  /** A renewal that gets no answer does not keep the term from ending. */
  async #renewInTime(): Promise<void> {
    const { clock, logger } = this.#deps;
    const { leaseMs } = this.#times;
    const late = new AbortController();
    const renewed = this.#renew().catch((error: unknown) =>
      logger.warn({ problem: messageOf(error) }, "the lease could not be renewed"),
    );
    await Promise.race([renewed, clock.sleep(leaseMs, late.signal).catch(() => {})]);
    late.abort();
  }

  async #renew(): Promise<void> {
    const { clock, database } = this.#deps;
    const term = this.#term!;
    const startedMs = clock.monotonicMs();
    const renewed = await database.run(
      "UPDATE leader SET beat = beat + 1 WHERE epoch = $1",
      Number(term.epoch),
    );
    if (renewed === 0) term.over.abort();
    else term.renewedMs = startedMs;
  }

  /** In good order: nobody has to wait for the lease's end. */
  async #giveUp(epoch: bigint): Promise<void> {
    if (!this.#stop.signal.aborted) return;
    await this.#deps.database
      .run("UPDATE leader SET holder = '' WHERE epoch = $1", Number(epoch))
      .catch(() => {});
  }
}

async function holdAs(sql: Sql, epoch: number, holder: string): Promise<void> {
  await sql.run(
    `INSERT INTO leader VALUES (1, $1, $2, 0) ON CONFLICT (id) DO UPDATE SET epoch = $1, holder = $2, beat = 0`,
    epoch,
    holder,
  );
}

function seenOf(row: Row): Seen {
  return {
    epoch: Number(row["epoch"]),
    beat: Number(row["beat"]),
    holder: String(row["holder"]),
  };
}
