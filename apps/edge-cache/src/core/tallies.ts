/** What every request counts, for which Prometheus' client would look up its labels again each time. Pure. */

export class Tallies {
  readonly #firstByteOf: (kind: string) => Observed;
  readonly #all = new Map<string, Map<string, Tally>>();

  constructor(firstByteOf: (kind: string) => Observed) {
    this.#firstByteOf = firstByteOf;
  }

  of(kind: string, result: string): Tally {
    return this.#all.get(kind)?.get(result) ?? this.#make(kind, result);
  }

  takeRequests(add: (labels: { kind: string; result: string }, requests: number) => void): void {
    for (const { labels, tally } of this.#each()) {
      add(labels, tally.requests);
      tally.requests = 0;
    }
  }

  takeBytes(): number {
    let bytes = 0;
    for (const { tally } of this.#each()) {
      bytes += tally.sentBytes;
      tally.sentBytes = 0;
    }
    return bytes;
  }

  *#each() {
    for (const [kind, byResult] of this.#all)
      for (const [result, tally] of byResult) yield { labels: { kind, result }, tally };
  }

  #make(kind: string, result: string): Tally {
    const made = { requests: 0, sentBytes: 0, firstByte: this.#firstByteOf(kind) };
    const byResult = this.#all.get(kind) ?? new Map<string, Tally>();
    this.#all.set(kind, byResult.set(result, made));
    return made;
  }
}

/** Since metrics were read last. */
interface Tally {
  requests: number;
  sentBytes: number;
  firstByte: Observed;
}

interface Observed {
  observe(seconds: number): void;
}
