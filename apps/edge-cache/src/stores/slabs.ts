/**
 * Small bodies side by side: memory of its own would cost each some 600 bytes more than it holds. What stands in a slab is never
 * changed, so whoever sends a body may go on when it is kept no more. A slab of which a quarter is free gives way: what is still kept
 * moves to another one.
 */

const SLAB_BYTES = 65_536;
/** Larger ones have memory of their own. */
const BODY_MAX_BYTES = 4_096;
/** A slab of which less is kept gives way. */
const KEPT_SHARE = 0.75;

interface Slab {
  readonly memory: Buffer;
  end: number;
  keptBytes: number;
  /** Of all that was ever put here. */
  readonly keys: string[];
}

export class Slabs {
  readonly #slabs = new Map<ArrayBufferLike, Slab>();
  readonly #move: (key: string, from: ArrayBufferLike) => void;
  readonly #left = new Set<Slab>();
  #open: Slab | undefined;

  /** @param move puts what is kept by this key, and stands there, elsewhere; it may be kept no more. */
  constructor(move: (key: string, from: ArrayBufferLike) => void) {
    this.#move = move;
  }

  /** What slabs take in memory. */
  get bytes(): number {
    return this.#slabs.size * SLAB_BYTES;
  }

  /** The same bytes in a slab; undefined: it is none for slabs. It is kept until it is released. */
  put(key: string, body: Buffer): Buffer | undefined {
    if (body.length === 0 || body.length > BODY_MAX_BYTES) return undefined;
    if (!this.#open || this.#open.end + body.length > SLAB_BYTES) this.#begin();
    const slab = this.#open!;
    const from = slab.end;
    body.copy(slab.memory, from);
    slab.end += body.length;
    slab.keptBytes += body.length;
    slab.keys.push(key);
    return slab.memory.subarray(from, slab.end);
  }

  /** Nobody keeps it any more. What stands in no slab is left as it is. */
  release(body: Buffer): void {
    const slab = this.#slabs.get(body.buffer);
    if (!slab) return;
    slab.keptBytes -= body.length;
    this.#left.add(slab);
  }

  /** Slabs give way of which too little is kept. To be called when all that is kept can be found by its key. */
  settle(): void {
    for (const slab of this.#left) {
      this.#left.delete(slab);
      if (slab !== this.#open && slab.keptBytes < KEPT_SHARE * SLAB_BYTES) this.#giveWay(slab);
    }
  }

  clear(): void {
    this.#slabs.clear();
    this.#left.clear();
    this.#open = undefined;
  }

  #begin(): void {
    const full = this.#open;
    const memory = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#open = { memory, end: 0, keptBytes: 0, keys: [] };
    this.#slabs.set(memory.buffer, this.#open);
    if (full) this.#left.add(full);
  }

  #giveWay(slab: Slab): void {
    const { buffer } = slab.memory;
    // From here on it is none: what moves is not counted there.
    this.#slabs.delete(buffer);
    if (slab.keptBytes > 0) for (const key of slab.keys) this.#move(key, buffer);
  }
}
