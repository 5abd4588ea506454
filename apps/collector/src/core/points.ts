/** Points of one series, as queries show them: columns that grow. Nothing is made for each point. */
import { bigintAt } from "@glassline/otqmn/words";

const FIRST_POINTS = 64;
const WORD_BITS = 32n;

export class Points {
  /** Two words of nanoseconds a point, least first. */
  times = new Uint32Array(2 * FIRST_POINTS);
  values = new Float64Array(FIRST_POINTS);
  length = 0;

  add(low: number, high: number, value: number): void {
    const at = this.length;
    if (at === this.values.length) this.reserve(at);
    this.times[2 * at] = low;
    this.times[2 * at + 1] = high;
    this.values[at] = value;
    this.length = at + 1;
  }

  append({ times, values, length }: Readonly<Points>): void {
    this.reserve(length);
    this.times.set(times.subarray(0, 2 * length), 2 * this.length);
    this.values.set(values.subarray(0, length), this.length);
    this.length += length;
  }

  /** As many as there are of the last ones, at most so many. */
  last(most: number): Points {
    const kept = new Points();
    kept.length = Math.min(most, this.length);
    kept.times = this.times.slice(2 * (this.length - kept.length), 2 * this.length);
    kept.values = this.values.slice(this.length - kept.length, this.length);
    return kept;
  }

  /** Room for so many more. */
  reserve(points: number): void {
    const { times, values, length } = this;
    if (length + points <= values.length) return;
    const room = Math.max(length + points, 2 * values.length);
    this.times = new Uint32Array(2 * room);
    this.times.set(times.subarray(0, 2 * length));
    this.values = new Float64Array(room);
    this.values.set(values.subarray(0, length));
  }

  timeUnixNano(at: number): bigint {
    return bigintAt(this.times, at);
  }
}

/** From a moment (inclusive) to another (exclusive), in words as columns hold them. */
export class TimeRange {
  readonly #fromLow: number;
  readonly #fromHigh: number;
  readonly #toLow: number;
  readonly #toHigh: number;

  constructor(from: bigint, to: bigint) {
    [this.#fromLow, this.#fromHigh] = momentOf(from);
    [this.#toLow, this.#toHigh] = momentOf(to);
  }

  has(low: number, high: number): boolean {
    if (high < this.#fromHigh || (high === this.#fromHigh && low < this.#fromLow)) return false;
    return high < this.#toHigh || (high === this.#toHigh && low < this.#toLow);
  }
}

/** In words as columns hold them. */
export function momentOf(unixNano: bigint): [low: number, high: number] {
  return [Number(BigInt.asUintN(32, unixNano)), Number(unixNano >> WORD_BITS)];
}

/**
 * Sorts by time unless that is so already. Stable: points of one time stay in order of arrival.
 * @param points are not to be used any more.
 */
export function inOrder(points: Points): Points {
  let ends = runEnds(points);
  if (ends.length === 1) return points;
  let [from, to] = [points, roomFor(points)];
  while (ends.length > 1) {
    ends = mergePairs(from, to, ends);
    [from, to] = [to, from];
  }
  return from;
}

function roomFor({ length }: Points): Points {
  const room = new Points();
  room.reserve(length);
  room.length = length;
  return room;
}

/** Where runs in order of time end, as they came: few, as a rule. */
function runEnds({ times, length }: Points): number[] {
  const ends: number[] = [];
  for (let at = 1; at < length; at++) if (isLater(times, at - 1, at)) ends.push(at);
  ends.push(length);
  return ends;
}

/** Whether point a is later than point b. */
function isLater(times: Uint32Array, a: number, b: number): boolean {
  const [high, otherHigh] = [times[2 * a + 1]!, times[2 * b + 1]!];
  return high > otherHigh || (high === otherHigh && times[2 * a]! > times[2 * b]!);
}

/** Merges each two runs that follow one another. @returns the ends of what they became. */
function mergePairs(from: Points, to: Points, ends: readonly number[]): number[] {
  const merged: number[] = [];
  let begin = 0;
  for (let run = 0; run < ends.length; run += 2) {
    const middle = ends[run]!;
    const end = ends[run + 1] ?? middle;
    mergeRuns(from, to, begin, middle, end);
    merged.push((begin = end));
  }
  return merged;
}

function mergeRuns(from: Points, to: Points, begin: number, middle: number, end: number): void {
  let [left, right] = [begin, middle];
  for (let at = begin; at < end; at++) {
    const takesRight = left === middle || (right < end && isLater(from.times, left, right));
    const source = takesRight ? right++ : left++;
    to.times[2 * at] = from.times[2 * source]!;
    to.times[2 * at + 1] = from.times[2 * source + 1]!;
    to.values[at] = from.values[source]!;
  }
}
