/** What was served: totals, and the last minute in slots of a second. Pure. */
import type { Kind as AddressKind } from "./address.ts";
import type { Outcome } from "./cache-status.ts";

/** A part is a segment that a playlist names as part of another. */
export type Kind = AddressKind | "part";

export interface Served {
  kind: Kind;
  outcome: Outcome["kind"];
  status: number;
  sentBytes: number;
  firstByteMs: number;
}

export interface Counts {
  requests: Record<Kind, number>;
  hits: number;
  coalesced: number;
  misses: number;
  errors: number;
  sentBytes: number;
  originFetches: number;
  originBytes: number;
}

const SLOT_MS = 1_000;
const SLOTS = 60;
/** Upper bounds of time to first byte, milliseconds; the last one holds the rest. */
const BOUNDS_MS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 60_000];

interface Slot {
  number: number;
  counts: Counts;
  firstByte: number[];
}

export class Traffic {
  readonly #startedMs: number;
  #slots: Slot[] = [];
  /** Of slots that are older than the last minute. */
  readonly #past = emptyCounts();

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
  }

  get total(): Counts {
    const total = emptyCounts();
    add(total, this.#past);
    for (const { counts } of this.#slots) add(total, counts);
    return total;
  }

  served({ kind, outcome, status, sentBytes, firstByteMs }: Served, nowMs: number): void {
    const { counts, firstByte } = this.#slot(nowMs);
    counts.requests[kind]++;
    if (outcome === "hit") counts.hits++;
    else if (outcome === "coalesced") counts.coalesced++;
    else if (outcome === "miss") counts.misses++;
    if (status >= 500) counts.errors++;
    counts.sentBytes += sentBytes;
    let bucket = 0;
    while (bucket < BOUNDS_MS.length - 1 && firstByteMs > BOUNDS_MS[bucket]!) bucket++;
    firstByte[bucket]!++;
  }

  fetched(bytes: number, nowMs: number): void {
    const { counts } = this.#slot(nowMs);
    counts.originFetches++;
    counts.originBytes += bytes;
  }

  recent(nowMs: number): { counts: Counts; windowMs: number; p50Ms: number; p99Ms: number } {
    const slots = this.#live(nowMs);
    const counts = emptyCounts();
    const firstByte = BOUNDS_MS.map(() => 0);
    for (const slot of slots) {
      add(counts, slot.counts);
      slot.firstByte.forEach((count, at) => (firstByte[at]! += count));
    }
    return {
      counts,
      windowMs: Math.max(SLOT_MS, Math.min(SLOTS * SLOT_MS, nowMs - this.#startedMs)),
      p50Ms: quantile(firstByte, 0.5),
      p99Ms: quantile(firstByte, 0.99),
    };
  }

  #slot(nowMs: number): Slot {
    const number = Math.floor(nowMs / SLOT_MS);
    const last = this.#slots.at(-1);
    if (last?.number === number) return last;
    const slot = { number, counts: emptyCounts(), firstByte: BOUNDS_MS.map(() => 0) };
    const live = this.#live(nowMs);
    for (const old of this.#slots) if (!live.includes(old)) add(this.#past, old.counts);
    this.#slots = [...live, slot];
    return slot;
  }

  #live(nowMs: number): Slot[] {
    const oldest = Math.floor(nowMs / SLOT_MS) - SLOTS;
    return this.#slots.filter(({ number }) => number > oldest);
  }
}

/** Served without asking the origin; undefined when nothing was asked. */
export function hitRatio({ hits, coalesced, misses }: Counts): number | undefined {
  const all = hits + coalesced + misses;
  return all === 0 ? undefined : (hits + coalesced) / all;
}

function emptyCounts(): Counts {
  return {
    requests: { playlist: 0, segment: 0, part: 0, other: 0 },
    hits: 0,
    coalesced: 0,
    misses: 0,
    errors: 0,
    sentBytes: 0,
    originFetches: 0,
    originBytes: 0,
  };
}

function add(sum: Counts, { requests, ...rest }: Counts): void {
  for (const kind of ["playlist", "segment", "part", "other"] as const)
    sum.requests[kind] += requests[kind];
  for (const name of Object.keys(rest) as (keyof typeof rest)[]) sum[name] += rest[name];
}

/** Interpolated within its bucket; 0 when there is nothing. */
function quantile(buckets: readonly number[], q: number): number {
  const all = buckets.reduce((sum, count) => sum + count, 0);
  let left = all * q;
  for (const [at, count] of buckets.entries()) {
    if (count === 0) continue;
    if (left > count) {
      left -= count;
      continue;
    }
    const low = BOUNDS_MS[at - 1] ?? 0;
    return low + (BOUNDS_MS[at]! - low) * (left / count);
  }
  return 0;
}
