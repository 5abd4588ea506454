/** The newest points of one series, in chunks, so that memory follows what is kept. */

const CHUNK_POINTS = 128;
/** A series that is seen a few times only takes little. */
const FIRST_CHUNK_POINTS = 16;
export const BYTES_PER_POINT = 16;

interface Chunk {
  timeUnixNano: BigInt64Array;
  value: Float64Array;
  length: number;
  /** Receive time of the newest point, by which chunks are dropped. */
  receivedMs: number;
}

export interface Point {
  timeUnixNano: bigint;
  value: number;
}

export class RecentPoints {
  #chunks: Chunk[] = [];
  #capacity = 0;
  #lastReceivedMs = 0;
  #latest: Point | undefined;
  #completeFromUnixNano: bigint;

  /** @param completeFromUnixNano points of the series before this time may be in the log only. */
  constructor(completeFromUnixNano: bigint) {
    this.#completeFromUnixNano = completeFromUnixNano;
  }

  /** Every point of the series from this time on is here. */
  get completeFromUnixNano(): bigint {
    return this.#completeFromUnixNano;
  }

  /** Memory held, in points. */
  get capacity(): number {
    return this.#capacity;
  }

  get lastReceivedMs(): number {
    return this.#lastReceivedMs;
  }

  /** The point with the greatest timestamp. */
  get latest(): Point | undefined {
    return this.#latest;
  }

  /** A point that is in the log: those up to it are elsewhere. Nothing when newer ones are known already. */
  remember(latest: Point, receivedMs: number): void {
    if (this.#latest) return;
    this.#latest = latest;
    this.#lastReceivedMs = receivedMs;
    if (latest.timeUnixNano >= this.#completeFromUnixNano)
      this.#completeFromUnixNano = latest.timeUnixNano + 1n;
  }

  append(timeUnixNano: bigint, value: number, receivedMs: number): void {
    let chunk = this.#chunks.at(-1);
    if (!chunk || chunk.length === chunk.value.length) {
      const size = this.#latest ? CHUNK_POINTS : FIRST_CHUNK_POINTS;
      chunk = {
        timeUnixNano: new BigInt64Array(size),
        value: new Float64Array(size),
        length: 0,
        receivedMs,
      };
      this.#chunks.push(chunk);
      this.#capacity += size;
    }
    chunk.timeUnixNano[chunk.length] = timeUnixNano;
    chunk.value[chunk.length] = value;
    chunk.length++;
    chunk.receivedMs = receivedMs;
    this.#lastReceivedMs = receivedMs;
    if (!this.#latest || timeUnixNano >= this.#latest.timeUnixNano)
      this.#latest = { timeUnixNano, value };
  }

  /** Drops chunks whose points were all received before; the latest point stays known. */
  dropBefore(receivedMs: number): void {
    while (this.#chunks[0] && this.#chunks[0].receivedMs < receivedMs) {
      const { timeUnixNano, length } = this.#chunks.shift()!;
      this.#capacity -= timeUnixNano.length;
      for (const time of timeUnixNano.subarray(0, length)) {
        if (time >= this.#completeFromUnixNano) this.#completeFromUnixNano = time + 1n;
      }
    }
  }

  /** Points with from <= time < to, in order of time; points of the same time in order of arrival. */
  range(fromUnixNano: bigint, toUnixNano: bigint): Point[] {
    const points: Point[] = [];
    for (const { timeUnixNano, value, length } of this.#chunks) {
      for (let at = 0; at < length; at++) {
        const time = timeUnixNano[at]!;
        if (time >= fromUnixNano && time < toUnixNano)
          points.push({ timeUnixNano: time, value: value[at]! });
      }
    }
    return inOrder(points);
  }
}

/** Sorts by time unless that is so already. Stable. */
export function inOrder(points: Point[]): Point[] {
  const sorted = points.every(
    (point, at) => at === 0 || points[at - 1]!.timeUnixNano <= point.timeUnixNano,
  );
  return sorted
    ? points
    : points.sort((a, b) =>
        a.timeUnixNano < b.timeUnixNano ? -1 : a.timeUnixNano > b.timeUnixNano ? 1 : 0,
      );
}
