/**
 * The newest points of all series, in memory, in order of arrival. They are kept by segment of the log and let go by segment, so
 * that what is not here is in a block, and what is in a block that is asked is not here.
 */
import type { SlottedPoints } from "./slotted-points.ts";
import { Points, TimeRange } from "./points.ts";
import type { Rollup } from "./rollup.ts";
import { minuteOf } from "./rollup.ts";

const CHUNK_POINTS = 32_768;
/** The first of a segment; those that follow are as large as all before them. */
const FIRST_CHUNK_POINTS = 2_048;
const POINTS_PER_GROUP = 8;
const SPARE_CHUNKS_MAX = 128;
const WORD = 4_294_967_296;
/** Times are compared as doubles first, which are this exact. */
const SLACK_NANO = 1_024;

export class RecentPoints {
  readonly #spare: Chunk[] = [];
  /** Oldest first; there is always one. */
  readonly #segments: RecentSegment[] = [new RecentSegment(0, this.#spare)];

  /** Nothing is here that came until then; 0 when nothing has gone. */
  droppedReceivedMs = 0;

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Records of the log from this index on are here. */
  get firstIndex(): number {
    return this.#segments[0]!.firstIndex;
  }

  /** Points of the segment that is still written. */
  get openPoints(): number {
    return this.#segments.at(-1)!.points;
  }

  get segments(): readonly Readonly<Pick<RecentSegment, "firstIndex" | "lastReceivedMs">>[] {
    return this.#segments;
  }

  /** A segment of the log begins with the record of this index. @returns whether that is news. */
  beginSegment(firstIndex: number): boolean {
    const isNew = firstIndex > this.#segments.at(-1)!.firstIndex;
    if (isNew) this.#segments.push(new RecentSegment(firstIndex, this.#spare));
    if (this.#segments[0]!.firstIndex === 0) this.#segments.shift();
    return isNew;
  }

  /** Adds what the record of this index holds. */
  add(index: number, points: SlottedPoints, receivedMs: number): void {
    const segment = this.#segments.findLast(({ firstIndex }) => firstIndex <= index);
    segment?.add(points, receivedMs);
  }

  /** Lets the oldest segment go; the one that is written stays. */
  dropOldest(): void {
    if (this.#segments.length < 2) return;
    const oldest = this.#segments.shift()!;
    this.droppedReceivedMs = Math.max(this.droppedReceivedMs, oldest.lastReceivedMs);
    oldest.release();
  }

  /** Adds the points of the marked slots to a rollup, of those segments only. */
  rollUp(isWanted: Uint8Array, segments: ReadonlySet<number>, rollup: Rollup): void {
    for (const segment of this.#segments)
      if (segments.has(segment.firstIndex)) segment.rollUp(isWanted, rollup);
  }

  /** Points of the slots with from <= time < to, in order of arrival, by slot. */
  range(slots: readonly number[], from: bigint, to: bigint): Map<number, Points> {
    const found = new Map<number, Points>(slots.map((slot) => [slot, new Points()]));
    const isWanted = new Uint8Array(Math.max(-1, ...slots) + 1);
    for (const slot of slots) isWanted[slot] = 1;
    const bounds = { from: Number(from), to: Number(to), times: new TimeRange(from, to) };
    const wanted = { ...bounds, isWanted, found };
    for (const segment of this.#segments) segment.collect(wanted);
    return found;
  }
}

interface WantedPoints {
  /** Of `times`, as doubles. */
  from: number;
  to: number;
  times: TimeRange;
  /** By slot: 1 where it is. */
  isWanted: Uint8Array;
  /** By slot. */
  found: ReadonlyMap<number, Points>;
}

class RecentSegment {
  readonly firstIndex: number;
  lastReceivedMs = 0;
  points = 0;
  bytes = 0;
  readonly #chunks: Chunk[] = [];
  readonly #spare: Chunk[];

  /** @param spare chunks that are not used any more. */
  constructor(firstIndex: number, spare: Chunk[]) {
    this.firstIndex = firstIndex;
    this.#spare = spare;
  }

  /** Making a chunk costs more than filling it: as many are kept as a segment needs. */
  release(): void {
    const most = Math.min(SPARE_CHUNKS_MAX, this.#chunks.length);
    this.#spare.length = Math.min(most, this.#spare.length);
    for (const chunk of this.#chunks) {
      if (this.#spare.length >= most) break;
      if (chunk.isOrdinary) this.#spare.push(chunk.emptied());
    }
  }

  add(points: SlottedPoints, receivedMs: number): void {
    this.lastReceivedMs = Math.max(this.lastReceivedMs, receivedMs);
    let chunk = this.#chunks.at(-1);
    if (!chunk?.hasRoomFor(points)) {
      const spare = this.#spare.at(-1)?.hasRoomFor(points) ? this.#spare.pop() : undefined;
      chunk = spare ?? new Chunk(points, this.points);
      this.#chunks.push(chunk);
      this.bytes += chunk.bytes;
    }
    chunk.add(points);
    this.points += points.slots.length;
  }

  rollUp(isWanted: Uint8Array, rollup: Rollup): void {
    for (const chunk of this.#chunks) chunk.rollUp(isWanted, rollup);
  }

  collect(wanted: WantedPoints): void {
    for (const chunk of this.#chunks) chunk.collect(wanted);
  }
}

class Chunk {
  readonly #slots: Uint32Array;
  readonly #values: Float64Array;
  readonly #groupEnd: Uint32Array;
  readonly #groupTime: BigUint64Array;
  /** The same as two words each, least first. */
  readonly #groupWords: Uint32Array;
  #points = 0;
  #groups = 0;
  #leastNano = Number.POSITIVE_INFINITY;
  #greatestNano = Number.NEGATIVE_INFINITY;

  /** @param held by the segment so far. */
  constructor({ slots, groupEnd }: SlottedPoints, held: number) {
    const wanted = Math.min(CHUNK_POINTS, Math.max(FIRST_CHUNK_POINTS, held));
    const points = Math.max(wanted, slots.length);
    // Series that come alone make a group each.
    const share = groupEnd.length / Math.max(1, slots.length);
    const groups = Math.ceil(points * Math.max(share, 1 / POINTS_PER_GROUP));
    this.#slots = new Uint32Array(points);
    this.#values = new Float64Array(points);
    this.#groupEnd = new Uint32Array(groups);
    this.#groupTime = new BigUint64Array(groups);
    this.#groupWords = new Uint32Array(this.#groupTime.buffer);
  }

  get isOrdinary(): boolean {
    const groups = CHUNK_POINTS / POINTS_PER_GROUP;
    return this.#slots.length === CHUNK_POINTS && this.#groupEnd.length === groups;
  }

  emptied(): this {
    [this.#points, this.#groups] = [0, 0];
    [this.#leastNano, this.#greatestNano] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    return this;
  }

  get bytes(): number {
    return 12 * this.#slots.length + 12 * this.#groupEnd.length;
  }

  hasRoomFor({ slots, groupEnd }: SlottedPoints): boolean {
    return (
      this.#points + slots.length <= this.#slots.length &&
      this.#groups + groupEnd.length <= this.#groupEnd.length
    );
  }

  add({ slots, value, groupEnd, groupTime }: SlottedPoints): void {
    this.#slots.set(slots, this.#points);
    this.#values.set(value, this.#points);
    this.#groupWords.set(groupTime, 2 * this.#groups);
    for (let group = 0; group < groupEnd.length; group++) {
      this.#groupEnd[this.#groups + group] = this.#points + groupEnd[group]!;
      const nano = groupTime[2 * group + 1]! * WORD + groupTime[2 * group]!;
      if (nano < this.#leastNano) this.#leastNano = nano;
      if (nano > this.#greatestNano) this.#greatestNano = nano;
    }
    this.#points += slots.length;
    this.#groups += groupEnd.length;
  }

  rollUp(isWanted: Uint8Array, rollup: Rollup): void {
    let at = 0;
    for (let group = 0; group < this.#groups; group++) {
      const end = this.#groupEnd[group]!;
      const minute = minuteOf(this.#groupTime[group]!);
      for (; at < end; at++)
        if (isWanted[this.#slots[at]!] === 1) rollup.add(minute, this.#values[at]!);
    }
  }

  collect({ from, to, times, isWanted, found }: WantedPoints): void {
    if (this.#greatestNano + SLACK_NANO < from) return;
    if (this.#leastNano - SLACK_NANO > to) return;
    const [slots, words] = [this.#slots, this.#groupWords];
    let at = 0;
    for (let group = 0; group < this.#groups; group++) {
      const end = this.#groupEnd[group]!;
      const [low, high] = [words[2 * group]!, words[2 * group + 1]!];
      if (!times.has(low, high)) at = end;
      for (; at < end; at++) {
        const slot = slots[at]!;
        if (slot < isWanted.length && isWanted[slot] === 1)
          found.get(slot)!.add(low, high, this.#values[at]!);
      }
    }
  }
}
