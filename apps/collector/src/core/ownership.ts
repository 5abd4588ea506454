/**
 * Which shard may store batches of which producer, and from where it goes on: (event) -> effects. A producer may open its next
 * stream at any shard, while the one before still stores its last batches, whose acknowledgements may be lost. So a shard claims
 * the producer first; it gets it when the shard that had it has said that nothing more will be stored there, and how far it got.
 */

/** A producer and its incarnation. */
export interface Claimed {
  producer: string;
  /** Hexadecimal. */
  incarnation: string;
}

/** How far a producer got. */
export interface Mark extends Claimed {
  durableSeq: number;
}

export type OwnershipEffect =
  /** The shard may store; so much is stored already, there or elsewhere. */
  | ({ type: "grant"; shard: number; claim: number } & Mark)
  /** The shard should store nothing more of it, and answer with how far it got. */
  | ({ type: "ask-release"; shard: number } & Claimed)
  /** The producer sends to another shard now, and what it brings is known there. */
  | { type: "moved"; shard: number; producer: string };

interface Claim {
  shard: number;
  claim: number;
}

interface Entry extends Claimed {
  durableSeq: number;
  /** The shard that may store, or may have stored; undefined: it has said how far it got. */
  owner: number | undefined;
  isAsked: boolean;
  waiting: Claim[];
}

/** Of one producer, by shard: those before will not come back. */
const INCARNATIONS_MAX = 4;

export class Ownership {
  /** By producer, then by incarnation; the newest comes last. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  /** By producer: the shards that show what it brought. */
  readonly #shownBy = new Map<string, Set<number>>();
  /** Shards that have started and not died since. */
  readonly #present = new Set<number>();
  /** Shards whose marks have never been heard: nothing is granted before. */
  readonly #unheard: Set<number>;

  readonly #incarnationsMax: number;

  constructor(shards: number) {
    this.#incarnationsMax = INCARNATIONS_MAX * shards;
    this.#unheard = new Set(Array.from({ length: shards }, (_, shard) => shard));
  }

  /** A shard has started, and this is what its log has. */
  joined(shard: number, marks: readonly Mark[]): OwnershipEffect[] {
    for (const mark of marks) {
      const entry = this.#entry(mark);
      entry.durableSeq = Math.max(entry.durableSeq, mark.durableSeq);
    }
    for (const entry of this.#all()) if (entry.owner === shard) disown(entry);
    const moved = marks.flatMap(({ producer }) => this.#shows(producer, shard));
    this.#present.add(shard);
    this.#unheard.delete(shard);
    return [...moved, ...[...this.#all()].flatMap((entry) => this.#serve(entry))];
  }

  /** A shard has died. What it had stays its own until it is back and tells how far it got. */
  left(shard: number): void {
    this.#present.delete(shard);
    for (const entry of this.#all()) {
      entry.waiting = entry.waiting.filter((claim) => claim.shard !== shard);
      if (entry.owner === shard) entry.isAsked = false;
    }
  }

  /** @param claim tells the shard which of its claims is granted. */
  claimed(shard: number, claim: number, what: Claimed): OwnershipEffect[] {
    const entry = this.#entry(what);
    entry.waiting.push({ shard, claim });
    return this.#serve(entry);
  }

  /** The answer to "ask-release". */
  released(shard: number, mark: Mark): OwnershipEffect[] {
    const entry = this.#entry(mark);
    if (entry.owner !== shard) return [];
    entry.durableSeq = Math.max(entry.durableSeq, mark.durableSeq);
    disown(entry);
    return this.#serve(entry);
  }

  #serve(entry: Entry): OwnershipEffect[] {
    const effects: OwnershipEffect[] = [];
    // The owner lets go when the question reaches it, even if it is the next one itself.
    if (this.#unheard.size > 0 || entry.isAsked) return effects;
    const { producer, incarnation, durableSeq } = entry;
    for (let next = entry.waiting[0]; next; next = entry.waiting[0]) {
      if (entry.owner !== undefined && entry.owner !== next.shard) {
        if (!this.#present.has(entry.owner)) break;
        entry.isAsked = true;
        effects.push({ type: "ask-release", shard: entry.owner, producer, incarnation });
        break;
      }
      entry.owner = next.shard;
      entry.waiting.shift();
      effects.push({ type: "grant", ...next, producer, incarnation, durableSeq });
      effects.push(...this.#moved(producer, next.shard));
    }
    return effects;
  }

  /** A shard that has started shows what it has of a producer, unless that is elsewhere. */
  #shows(producer: string, shard: number): OwnershipEffect[] {
    const isElsewhere = [...(this.#entries.get(producer)?.values() ?? [])].some(
      ({ owner }) => owner !== undefined && owner !== shard,
    );
    if (isElsewhere) return [{ type: "moved", shard, producer }];
    const shownBy = this.#shownBy.get(producer);
    if (shownBy) shownBy.add(shard);
    else this.#shownBy.set(producer, new Set([shard]));
    return [];
  }

  /** The producer is at this shard now: others need not show what it brought. */
  #moved(producer: string, to: number): OwnershipEffect[] {
    const shownBy = this.#shownBy.get(producer) ?? new Set();
    shownBy.delete(to);
    this.#shownBy.set(producer, new Set([to]));
    return [...shownBy].map((shard) => ({ type: "moved", shard, producer }));
  }

  #entry({ producer, incarnation }: Claimed): Entry {
    let entries = this.#entries.get(producer);
    if (!entries) this.#entries.set(producer, (entries = new Map()));
    let entry = entries.get(incarnation);
    if (entry) return entry;
    entry = {
      producer,
      incarnation,
      durableSeq: 0,
      owner: undefined,
      isAsked: false,
      waiting: [],
    };
    entries.set(incarnation, entry);
    forgetOldest(entries, this.#incarnationsMax, entry);
    return entry;
  }

  *#all(): Generator<Entry> {
    for (const entries of this.#entries.values()) yield* entries.values();
  }
}

function disown(entry: Entry): void {
  entry.owner = undefined;
  entry.isAsked = false;
}

function forgetOldest(entries: Map<string, Entry>, max: number, newest: Entry): void {
  for (const [key, entry] of entries) {
    if (entries.size <= max) return;
    if (entry.waiting.length === 0 && entry !== newest) entries.delete(key);
  }
}
