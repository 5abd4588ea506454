/**
 * Purges of many objects at once, in the time of one: each purge has a number, each object the number of the newest purge when it was asked
 * for. What is older than a purge that means it is purged, wherever it is kept. Pure.
 */

/** Of many objects. A prefix means all keys that begin with it. */
export type WideTarget = { prefix: string } | { tag: string } | "everything";

export interface WidePurge {
  target: WideTarget;
  /** What is purged softly may be asked about, and be used as stale objects are. */
  isSoft: boolean;
}

/** Of one object: it is forgotten where it is kept. */
export interface KeyPurge {
  target: { key: string };
  isSoft: boolean;
}

export type Purge = KeyPurge | WidePurge;
export type PurgeTarget = Purge["target"];

/** One with its number. */
export interface NumberedPurge extends WidePurge {
  number: number;
}

export type Verdict = "alive" | "soft" | "gone";

/** Numbers of the newest purges. */
interface Newest {
  hard: number;
  soft: number;
}

/** Of tags, and of prefixes; of more, the oldest one is made one of everything. */
const TARGETS_MAX = 10_000;

export class Purges {
  #last = 0;
  #lastOfTags = 0;
  readonly #everything: Newest = { hard: 0, soft: 0 };
  /** The oldest purge first. */
  readonly #tags = new Map<string, Newest>();
  readonly #prefixes = new Map<string, Newest>();
  #prefixLengths: readonly number[] = [];

  /** Number of the newest purge; what is asked for now is newer than all of them. */
  get last(): number {
    return this.#last;
  }

  /** Of what was asked for before, nobody knows yet whether it has the tag. */
  get lastOfTags(): number {
    return this.#lastOfTags;
  }

  /** How many targets are remembered. */
  get known(): number {
    return this.#tags.size + this.#prefixes.size;
  }

  /** As many as it takes to know the same again, by number. */
  all(): NumberedPurge[] {
    const named: [WideTarget, Newest][] = [
      ["everything", this.#everything],
      ...[...this.#tags].map(([tag, newest]) => [{ tag }, newest] as [WideTarget, Newest]),
      ...[...this.#prefixes].map(
        ([prefix, newest]) => [{ prefix }, newest] as [WideTarget, Newest],
      ),
    ];
    return named
      .flatMap(([target, { hard, soft }]) => [
        { target, isSoft: false, number: hard },
        { target, isSoft: true, number: soft },
      ])
      .filter(({ number }) => number > 0)
      .toSorted((a, b) => a.number - b.number);
  }

  /** @param number of it, when it is known from before: higher than all so far. */
  add({ target, isSoft }: WidePurge, number = this.#last + 1): void {
    this.#last = number;
    if (target === "everything") raise(this.#everything, number, isSoft);
    else if ("tag" in target) {
      this.#lastOfTags = number;
      this.#addTo(this.#tags, target.tag, number, isSoft);
    } else {
      this.#addTo(this.#prefixes, target.prefix, number, isSoft);
      this.#prefixLengths = [...new Set([...this.#prefixes.keys()].map(({ length }) => length))];
    }
  }

  /** @param since the newest purge when it was asked for. */
  verdict(key: string, tags: readonly string[], since: number): Verdict {
    if (since === this.#last) return "alive";
    let isSoft = since < this.#everything.soft;
    if (since < this.#everything.hard) return "gone";
    for (const tag of tags) {
      const newest = this.#tags.get(tag);
      if (newest === undefined) continue;
      if (since < newest.hard) return "gone";
      isSoft ||= since < newest.soft;
    }
    for (const length of this.#prefixLengths) {
      const newest = length <= key.length && this.#prefixes.get(key.slice(0, length));
      if (!newest) continue;
      if (since < newest.hard) return "gone";
      isSoft ||= since < newest.soft;
    }
    return isSoft ? "soft" : "alive";
  }

  #addTo(all: Map<string, Newest>, name: string, number: number, isSoft: boolean): void {
    const newest = all.get(name) ?? { hard: 0, soft: 0 };
    raise(newest, number, isSoft);
    all.delete(name);
    all.set(name, newest);
    if (all.size <= TARGETS_MAX) return;
    const [[oldest, { hard, soft }]] = all as unknown as [[string, Newest]];
    all.delete(oldest);
    this.#everything.hard = Math.max(this.#everything.hard, hard);
    this.#everything.soft = Math.max(this.#everything.soft, soft);
  }
}

function raise(newest: Newest, number: number, isSoft: boolean): void {
  if (isSoft) newest.soft = number;
  else newest.hard = number;
}
