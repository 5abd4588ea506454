/**
 * Numbers of a pool that this replica may try, leased in blocks so that replicas rarely try the same one. A lease is only for speed: who
 * writes a number down first has it, and what a replica leased and never used is leased again when its time is over.
 */
import type { Clock } from "@glassline/service/clock";

import type { Span } from "../core/vnis/spans.ts";
import { freeOf } from "../core/vnis/spans.ts";
import type { Row, Sql } from "../stores/sql.ts";
import { first } from "../stores/sql.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import type { Kind } from "./returning.ts";
import { returnBlocks } from "./returning.ts";

export interface Numbers {
  /** Of its blocks: differs when they differ. */
  pool: string;
  kind: Kind;
  blocks(): readonly Span[];
  /** Those of a block that somebody has. */
  taken(sql: Sql, block: Span): Promise<ReadonlySet<number>>;
}

export interface BlocksDeps {
  database: VniDatabase;
  dialect: VniDialect;
  clock: Clock;
  /** Of this life of the replica. */
  holder: string;
  leaseMs: number;
  random: () => number;
}

/** Blocks that are found to be used up, within one transaction. */
const LOOKS_MAX = 16;
/** Between two searches for numbers in blocks that are marked as used up. */
const SEARCH_MS = 1_000;

interface Leased {
  block: Span;
  /** The last one is the next. */
  free: number[];
}

export class FreeNumbers {
  readonly #numbers: Numbers;
  readonly #deps: BlocksDeps;
  #free: number[] = [];
  #block: Span | undefined;
  #leasedMs = 0;
  #searchedMs = Number.NEGATIVE_INFINITY;
  #leasing: Promise<boolean> | undefined;
  #areMade = false;

  constructor(numbers: Numbers, deps: BlocksDeps) {
    [this.#numbers, this.#deps] = [numbers, deps];
  }

  /** At least one and at most so many; none: all are used up. */
  async take(count: number): Promise<number[]> {
    const { clock, leaseMs } = this.#deps;
    if (clock.monotonicMs() - this.#leasedMs > leaseMs) [this.#free, this.#block] = [[], undefined];
    while (this.#free.length === 0) {
      this.#leasing ??= this.#lease().finally(() => (this.#leasing = undefined));
      const isLeased = await this.#leasing;
      if (!isLeased && this.#free.length === 0) return [];
    }
    return this.#free.splice(-count).toReversed();
  }

  /** What was taken and not used. */
  giveBack(numbers: readonly number[]): void {
    this.#free.push(...numbers);
  }

  /** Others need not wait for the end of the leases. */
  async leave(): Promise<void> {
    await this.#deps.database.run(
      "UPDATE vni_blocks SET until = 0 WHERE pool = $1 AND holder = $2",
      this.#numbers.pool,
      this.#deps.holder,
    );
  }

  async #lease(): Promise<boolean> {
    const { database, clock } = this.#deps;
    let hasSearched = false;
    for (;;) {
      const startedMs = clock.monotonicMs();
      const leased = await database.transact((sql) => this.#look(sql));
      if (leased === "look again") continue;
      if (leased !== "used up") {
        [this.#free, this.#block, this.#leasedMs] = [leased.free, leased.block, startedMs];
        return true;
      }
      this.#block = undefined;
      // However long a search takes: one that found nothing is not begun again for the same question.
      if (hasSearched) return false;
      hasSearched = this.#areMade;
      if (!(await this.#findMore())) return false;
    }
  }

  /** Makes blocks that nobody has asked for before, and finds those that are not used up after all. @returns whether to look again. */
  async #findMore(): Promise<boolean> {
    const { database, dialect, clock } = this.#deps;
    if (!this.#areMade) {
      await makeBlocks(database, dialect, this.#numbers);
      this.#areMade = true;
      return true;
    }
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#searchedMs < SEARCH_MS) return false;
    this.#searchedMs = nowMs;
    await returnBlocks(database, this.#numbers.pool, this.#numbers.kind);
    // Also when there were none: another replica may have returned them.
    return true;
  }

  async #look(sql: Sql): Promise<Leased | "look again" | "used up"> {
    // Also when some of its numbers are still being written: what fails is found by a search.
    if (this.#block) await this.#usedUp(sql, this.#block);
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const own = await this.#leaseNext(sql);
      const row = own ?? (await this.#anyOther(sql));
      if (!row) return "used up";
      const block = { first: Number(row["first"]), last: Number(row["last"]) };
      const free = freeOf(block, await this.#numbers.taken(sql, block));
      // Who shares a block begins somewhere else.
      if (free.length > 0)
        return { block, free: own ? free.toReversed() : shuffled(free, this.#deps.random) };
      await this.#usedUp(sql, block);
    }
    return "look again";
  }

  async #leaseNext(sql: Sql): Promise<Row | undefined> {
    const { dialect, holder, leaseMs } = this.#deps;
    return first(
      sql,
      `UPDATE vni_blocks SET holder = $2, until = ${dialect.nowMs} + $3
       WHERE pool = $1 AND first = (
         SELECT first FROM vni_blocks
         WHERE pool = $1 AND used_up = 0 AND (until <= ${dialect.nowMs} OR holder = $2)
         ORDER BY first LIMIT 1 ${dialect.skipLocked}
       ) RETURNING first, last`,
      this.#numbers.pool,
      holder,
      leaseMs,
    );
  }

  /** When nothing else is left. */
  async #anyOther(sql: Sql): Promise<Row | undefined> {
    return first(
      sql,
      "SELECT first, last FROM vni_blocks WHERE pool = $1 AND used_up = 0 ORDER BY random() LIMIT 1",
      this.#numbers.pool,
    );
  }

  async #usedUp(sql: Sql, block: Span): Promise<void> {
    await sql.run(
      "UPDATE vni_blocks SET used_up = 1 WHERE pool = $1 AND first = $2",
      this.#numbers.pool,
      block.first,
    );
  }
}

/** Those that are not there. */
async function makeBlocks(
  database: VniDatabase,
  { given }: VniDialect,
  { pool, kind, blocks }: Numbers,
): Promise<void> {
  await database.run(
    `INSERT INTO vni_blocks (pool, kind, first, last)
     SELECT CAST($2 AS TEXT), CAST($3 AS TEXT), first, last
     FROM ${given({ first: "INTEGER", last: "INTEGER" })} WHERE true ON CONFLICT DO NOTHING`,
    JSON.stringify(blocks()),
    pool,
    kind,
  );
}

function shuffled(numbers: number[], random: () => number): number[] {
  for (let at = numbers.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [numbers[at], numbers[other]] = [numbers[other]!, numbers[at]!];
  }
  return numbers;
}
