import type { Closable } from "./memory-limit.ts";

/** How many bytes may be in work at once, from the first one received to their durability, over all senders. */
export class MemoryBudget {
  readonly maxBytes: number;
  readonly #changed: (bytes: number) => void;
  readonly #whole: Closable;
  #bytes = 0;

  /**
   * @param changed is told of every new sum; for a gauge.
   * @param whole what this is a part of, which may take nothing more.
   */
  constructor(
    maxBytes: number,
    changed: (bytes: number) => void = () => {},
    whole: Closable = { closedBecause: undefined },
  ) {
    this.maxBytes = maxBytes;
    this.#changed = changed;
    this.#whole = whole;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing more would be taken: a request need not even be read. */
  get isFull(): boolean {
    return this.#whole.closedBecause !== undefined || this.#bytes >= this.maxBytes;
  }

  /** Why it takes no more, for people. */
  get refusal(): string {
    return (
      this.#whole.closedBecause ??
      `memory: got more than fits, expected at most ${this.maxBytes} bytes of all senders`
    );
  }

  /** The part of one request or stream; it begins empty. */
  hold(): MemoryHold {
    return new MemoryHold(this, (bytes) => this.#move(bytes));
  }

  /** @returns false, and takes nothing, when the limit would be passed. */
  #move(bytes: number): boolean {
    const isMore = bytes > 0;
    if (isMore && this.#whole.closedBecause !== undefined) return false;
    if (isMore && this.#bytes + bytes > this.maxBytes) return false;
    this.#bytes += bytes;
    this.#changed(this.#bytes);
    return true;
  }
}

/** The bytes that one request or stream holds. Disposing it gives them back. */
export class MemoryHold implements Disposable {
  readonly #budget: MemoryBudget;
  readonly #move: (bytes: number) => boolean;
  #bytes = 0;

  constructor(budget: MemoryBudget, move: (bytes: number) => boolean) {
    this.#budget = budget;
    this.#move = move;
  }

  /** Why it cannot grow, for people. */
  get refusal(): string {
    return this.#budget.refusal;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes more. @returns false, and takes nothing, when all together would hold too much. */
  grow(bytes: number): boolean {
    if (!this.#move(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  shrink(bytes: number): void {
    const given = Math.min(bytes, this.#bytes);
    this.#move(-given);
    this.#bytes -= given;
  }

  /** Holds so much from now on. @returns false, and goes on with what it has, when it would be too much. */
  become(bytes: number): boolean {
    if (bytes > this.#bytes) return this.grow(bytes - this.#bytes);
    this.shrink(this.#bytes - bytes);
    return true;
  }

  [Symbol.dispose](): void {
    this.shrink(this.#bytes);
  }
}
