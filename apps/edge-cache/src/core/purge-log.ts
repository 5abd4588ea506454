/** The purges that one edge has done, in order, for the others of its cluster to read: also those that were away. Pure. */
import type { Purge } from "./purges.ts";

/** How far it was read: "INCARNATION:NUMBER". */
export type Position = string;

/** A purge with its name in the cluster, by which an edge that has done it knows it again. */
export interface NamedPurge {
  id: string;
  purge: Purge;
}

interface Logged extends NamedPurge {
  /** Unix milliseconds. */
  atMs: number;
}

const ENTRIES_MAX = 10_000;
/** Of names and addresses together: what is read at once. */
const CHARS_MAX = 4_000_000;
/** Without a name: it is done by each who hears of it, and told to nobody else. */
const EVERYTHING: NamedPurge = { id: "", purge: { target: "everything", isSoft: false } };

export class PurgeLog {
  readonly #incarnation: string;
  #entries: Logged[] = [];
  /** Number of the first entry that is still here. */
  #first = 0;
  #chars = 0;

  /** @param incarnation another one at each start of the edge. */
  constructor(incarnation: string) {
    this.#incarnation = incarnation;
  }

  get end(): Position {
    return `${this.#incarnation}:${this.#first + this.#entries.length}`;
  }

  add({ id, purge }: NamedPurge, atMs: number): void {
    this.#entries.push({ id, purge, atMs });
    this.#chars += charsOf(purge);
    while (this.#entries.length > ENTRIES_MAX || this.#chars > CHARS_MAX) {
      this.#chars -= charsOf(this.#entries.shift()!.purge);
      this.#first++;
    }
  }

  /**
   * What is behind a position; everything, when that is not known any more.
   * @param sinceMs Unix milliseconds: for a reader that has no position of this incarnation, what it cannot know of is younger.
   */
  after(position: Position | undefined, sinceMs: number): NamedPurge[] {
    const number = this.#numberIn(position);
    if (number !== undefined && number >= this.#first)
      return this.#entries.slice(number - this.#first).map(named);
    if (number === undefined && (this.#first === 0 || sinceMs > (this.#entries[0]?.atMs ?? 0)))
      return this.#entries.filter(({ atMs }) => atMs >= sinceMs).map(named);
    return [EVERYTHING];
  }

  #numberIn(position: Position | undefined): number | undefined {
    const [incarnation, number] = position?.split(":") ?? [];
    return incarnation === this.#incarnation && /^\d{1,15}$/.test(number ?? "")
      ? Number(number)
      : undefined;
  }
}

const charsOf = ({ target }: Purge): number =>
  typeof target === "string" ? target.length : Object.values(target).join("").length;

const named = ({ id, purge }: Logged): NamedPurge => ({ id, purge });
