/**
 * Which object goes when there is no room: S3-FIFO, weighted by bytes. What is asked for once passes through a small queue and is gone; what
 * is asked for again there, or soon after it left, goes to the main queue, and round that one as long as it is asked for. Pure.
 * Source: Yang et al., FIFO queues are all you need for cache eviction, SOSP 2023, https://doi.org/10.1145/3600006.3613147
 */

/** What is kept of an object; those who keep objects have more in theirs. */
export interface Entry {
  readonly bytes: number;
  /** How often it was asked for since it was put where it is, at most MOST_USES; 0 at first. */
  uses: number;
}

/** Of all bytes. */
const SMALL_SHARE = 0.1;
const MOST_USES = 3;
/** So often an object in the small queue has to be asked for again, to stay. */
const PROMOTED_FROM = 2;

export class S3Fifo<E extends Entry> {
  readonly #maxBytes: number;
  /** Each the oldest first. */
  readonly #small = new Map<string, E>();
  readonly #main = new Map<string, E>();
  /** Those that left the small queue, as many as the main one has. */
  readonly #ghosts = new Set<string>();
  /** They go before all others. */
  readonly #leaving = new Set<string>();
  #smallBytes = 0;
  #mainBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#smallBytes + this.#mainBytes;
  }

  get size(): number {
    return this.#small.size + this.#main.size;
  }

  get(key: string): E | undefined {
    return this.#small.get(key) ?? this.#main.get(key);
  }

  *keys(): Generator<string> {
    yield* this.#main.keys();
    yield* this.#small.keys();
  }

  *entries(): Generator<[string, E]> {
    yield* this.#small;
    yield* this.#main;
  }

  /** It was asked for. */
  used(entry: E): void {
    if (entry.uses < MOST_USES) entry.uses++;
  }

  /** Takes the place of the one that is there, with its uses. @param entry at most as large as the limit. @returns those that had to go for it. */
  add(key: string, entry: E): [string, E][] {
    const gone: [string, E][] = [];
    entry.uses = this.get(key)?.uses ?? 0;
    const wasMain = this.#main.has(key);
    this.remove(key);
    while (this.bytes + entry.bytes > this.#maxBytes) {
      const victim = this.#evicted();
      if (victim === undefined) break;
      gone.push(victim);
    }
    if (this.#ghosts.delete(key) || wasMain) this.#toMain(key, entry);
    else {
      this.#small.set(key, entry);
      this.#smallBytes += entry.bytes;
    }
    return gone;
  }

  /** Nobody will ask for it any more: it goes first. */
  leave(key: string): void {
    if (this.#small.has(key) || this.#main.has(key)) this.#leaving.add(key);
  }

  /** It is there no more. @returns what was. */
  remove(key: string): E | undefined {
    this.#leaving.delete(key);
    const small = this.#small.get(key);
    const main = this.#main.get(key);
    if (small) this.#smallBytes -= small.bytes;
    if (main) this.#mainBytes -= main.bytes;
    this.#small.delete(key);
    this.#main.delete(key);
    return small ?? main;
  }

  clear(): void {
    for (const queue of [this.#small, this.#main, this.#ghosts, this.#leaving]) queue.clear();
    this.#smallBytes = 0;
    this.#mainBytes = 0;
  }

  /** Undefined when there is nothing. */
  #evicted(): [string, E] | undefined {
    for (const key of this.#leaving) return [key, this.remove(key)!];
    const isSmallFull = this.#smallBytes > SMALL_SHARE * this.#maxBytes || this.#main.size === 0;
    return (isSmallFull ? this.#fromSmall() : undefined) ?? this.#fromMain() ?? this.#fromSmall();
  }

  /** The oldest that was not asked for often enough; the others go over to the main queue. */
  #fromSmall(): [string, E] | undefined {
    for (const [key, entry] of this.#small) {
      this.#small.delete(key);
      this.#smallBytes -= entry.bytes;
      if (entry.uses >= PROMOTED_FROM) {
        entry.uses = 0;
        this.#toMain(key, entry);
        continue;
      }
      this.#remember(key);
      return [key, entry];
    }
    return undefined;
  }

  /** The oldest that was not asked for since; the others go round. */
  #fromMain(): [string, E] | undefined {
    for (const [key, entry] of this.#main) {
      this.#main.delete(key);
      if (entry.uses > 0) {
        entry.uses--;
        this.#main.set(key, entry);
        continue;
      }
      this.#mainBytes -= entry.bytes;
      return [key, entry];
    }
    return undefined;
  }

  #toMain(key: string, entry: E): void {
    this.#main.set(key, entry);
    this.#mainBytes += entry.bytes;
  }

  #remember(key: string): void {
    this.#ghosts.add(key);
    for (const oldest of this.#ghosts) {
      if (this.#ghosts.size <= this.#main.size + this.#small.size) return;
      this.#ghosts.delete(oldest);
    }
  }
}
