/** Miss ratios of S3-FIFO beside LRU, with objects of many sizes; made-up traces, each from its seed. */
import { about, report } from "@glassline/bench/report";
import { seededRandom } from "@glassline/service/random";

import type { Entry } from "../src/core/s3-fifo.ts";
import { S3Fifo } from "../src/core/s3-fifo.ts";

const BENCH = "edge-eviction";
const OBJECTS = 20_000;
const REQUESTS = 1_000_000;
const MEAN_BYTES = 32_768;
/** Of all objects' bytes. */
const SHARES = [0.01, 0.1] as const;

type Trace = (random: () => number) => Generator<number>;

/** By popularity: the one of rank n is asked for as often as 1 / n^skew says. */
function* zipf(random: () => number, skew: number, requests: number): Generator<number> {
  const sums = new Float64Array(OBJECTS);
  let sum = 0;
  for (let rank = 0; rank < OBJECTS; rank++) sums[rank] = sum += 1 / (rank + 1) ** skew;
  for (let request = 0; request < requests; request++) {
    const wanted = random() * sum;
    let [low, high] = [0, OBJECTS - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    yield low;
  }
}

const TRACES: Readonly<Record<string, Trace>> = {
  "zipf 0.8": (random) => zipf(random, 0.8, REQUESTS),
  "zipf 1.1": (random) => zipf(random, 1.1, REQUESTS),
  // Somebody reads everything once, again and again, between viewers.
  "zipf 0.9 and scans": function* (random) {
    let scanned = OBJECTS;
    for (const object of zipf(random, 0.9, REQUESTS)) {
      yield object;
      if (random() < 0.3) yield scanned++;
    }
  },
};

export async function measureEviction(
  _systems: readonly unknown[],
  isQuick: boolean,
): Promise<void> {
  about(
    BENCH,
    `Requests that miss, by S3-FIFO and by LRU: ${REQUESTS} requests for ${OBJECTS} objects of 1 to ${(2 * MEAN_BYTES) / 1_024} KiB, stores of a share of all bytes. Goals: at most 1 % more than LRU on any trace, ` +
      "6 % fewer on average. The public traces (ARC's OLTP and P3, cloudPhysics) are not used here.",
  );
  for (const [trace, make] of Object.entries(TRACES).slice(0, isQuick ? 1 : undefined))
    for (const share of SHARES) {
      const maxBytes = share * OBJECTS * MEAN_BYTES;
      const [fifo, lru] = [fifoOf(maxBytes), new Lru(maxBytes)].map((policy) =>
        missShare(policy, make(seededRandom(1))),
      );
      const params = { trace, share };
      report(BENCH, "misses", 100 * fifo!, "%", { ...params, policy: "S3-FIFO" });
      report(BENCH, "misses", 100 * lru!, "%", { ...params, policy: "LRU" });
      report(BENCH, "fewer", 100 * (1 - fifo! / lru!), "%", params);
    }
}

function fifoOf(maxBytes: number): Policy {
  const fifo = new S3Fifo<Entry>(maxBytes);
  return {
    used: (key) => fifo.used(fifo.get(key)!),
    add: (key, bytes) => fifo.add(key, { bytes, uses: 0 }).map(([gone]) => gone),
  };
}

interface Policy {
  used(key: string): void;
  add(key: string, bytes: number): readonly string[];
}

function missShare(policy: Policy, trace: Generator<number>): number {
  const held = new Set<string>();
  let [requests, misses] = [0, 0];
  for (const object of trace) {
    const key = String(object);
    requests++;
    if (held.has(key)) {
      policy.used(key);
      continue;
    }
    misses++;
    for (const gone of policy.add(key, bytesOf(object))) held.delete(gone);
    held.add(key);
  }
  return misses / requests;
}

/** Of an object: always the same, and nothing to do with how often it is asked for. */
const bytesOf = (object: number): number =>
  1_024 + ((Math.imul(object, 2_654_435_761) >>> 0) % (2 * MEAN_BYTES - 1_024));

class Lru implements Policy {
  readonly #maxBytes: number;
  /** In order of use, the oldest first. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  used(key: string): void {
    const bytes = this.#sizes.get(key)!;
    this.#sizes.delete(key);
    this.#sizes.set(key, bytes);
  }

  add(key: string, bytes: number): string[] {
    const gone: string[] = [];
    for (const [oldest, size] of this.#sizes) {
      if (this.#bytes + bytes <= this.#maxBytes) break;
      this.#sizes.delete(oldest);
      this.#bytes -= size;
      gone.push(oldest);
    }
    this.#sizes.set(key, bytes);
    this.#bytes += bytes;
    return gone;
  }
}
