/** Where the newest record of each key lies: 20 bytes a slot, in many small tables, each of which grows in a moment. Pure. */
import type { KeyHash } from "./key-hash.ts";
import { hashOf } from "./key-hash.ts";
import type { Place, Slot } from "./place-shard.ts";
import { LEAST_SLOTS, PlaceShard, SLOT_WORDS } from "./place-shard.ts";

export const SHARDS = 256;
const SHARD_SHIFT = 24;

export class PlaceIndex {
  readonly seed: number;
  readonly #shards: PlaceShard[];

  /** @param seed 32 bits. @param shards as `words` gave them, with the same seed. */
  constructor(seed: number, shards: readonly Uint32Array[] = []) {
    this.seed = seed;
    this.#shards = Array.from({ length: SHARDS }, (_, at) => new PlaceShard(shards[at]));
  }

  get size(): number {
    let size = 0;
    for (const { count } of this.#shards) size += count;
    return size;
  }

  hashOf(key: string): KeyHash {
    return hashOf(key, this.seed);
  }

  get(hash: KeyHash): Slot | undefined {
    return this.#of(hash).get(hash);
  }

  has(hash: KeyHash): boolean {
    return this.#of(hash).has(hash);
  }

  set(hash: KeyHash, place: Place): void {
    this.#of(hash).set(hash, place);
  }

  delete(hash: KeyHash): boolean {
    return this.#of(hash).delete(hash);
  }

  used(hash: KeyHash): void {
    this.#of(hash).used(hash);
  }

  /** Whether its record lies there still. */
  isAt(hash: KeyHash, { segment, offset }: Place): boolean {
    const slot = this.get(hash);
    return slot !== undefined && slot.segment === segment && slot.offset === offset;
  }

  /** All of a segment, table by table. */
  *ofSegment(segment: number): Generator<Slot[]> {
    for (const shard of this.#shards) yield shard.ofSegment(segment);
  }

  /** Forgets those in segments that are not there. */
  keepSegments(isThere: (segment: number) => boolean): void {
    for (const shard of this.#shards) shard.keepSegments(isThere);
  }

  /** The tables as they are now; they change. */
  *words(): Generator<Uint32Array> {
    for (const { words } of this.#shards) yield words;
  }

  #of({ high }: KeyHash): PlaceShard {
    return this.#shards[high >>> SHARD_SHIFT]!;
  }
}

/** Whether it may be the length of a table. */
export const isTableLength = (words: number): boolean =>
  words % SLOT_WORDS === 0 && words >= LEAST_SLOTS * SLOT_WORDS;
