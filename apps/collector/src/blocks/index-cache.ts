/** Indexes of blocks that are at hand: those that were used last, as many as fit. */
import type { BlockIndex } from "@glassline/proto/storage";

/** About what the parts of an index take in memory: what is told of a chunk, a rollup, a minute of it. */
const CHUNK_BYTES = 320;
const ROLLUP_BYTES = 512;
const CELL_BYTES = 80;

export class IndexCache {
  readonly #maxBytes: number;
  /** Used last comes last. */
  readonly #indexes = new Map<number, BlockIndex>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** About what all of them take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param firstIndex of the block's records. */
  get(firstIndex: number): BlockIndex | undefined {
    const index = this.#indexes.get(firstIndex);
    if (index) {
      this.#indexes.delete(firstIndex);
      this.#indexes.set(firstIndex, index);
    }
    return index;
  }

  /** The one that was set last stays, however large it is. */
  set(firstIndex: number, index: BlockIndex): void {
    this.delete(firstIndex);
    this.#indexes.set(firstIndex, index);
    this.#bytes += bytesOf(index);
    while (this.#bytes > this.#maxBytes && this.#indexes.size > 1)
      this.delete(this.#indexes.keys().next().value!);
  }

  delete(firstIndex: number): void {
    const index = this.#indexes.get(firstIndex);
    if (!index) return;
    this.#indexes.delete(firstIndex);
    this.#bytes -= bytesOf(index);
  }
}

function bytesOf({ chunks, rollups }: BlockIndex): number {
  const cells = rollups.reduce((sum, { minute }) => sum + minute.length, 0);
  return CHUNK_BYTES * chunks.length + ROLLUP_BYTES * rollups.length + CELL_BYTES * cells;
}
