/** How long the keys of a link last: from what its key manager has, look after look. Pure. */

export interface KeyStock {
  /** That the key manager has for the link. */
  readonly keys: number;
  /** New ones a second, as far as it was seen. */
  readonly madePerS: number;
  /** Of the quantum link; undefined: the key manager does not say. */
  readonly qber: number | undefined;
}

/** How a link uses keys, milliseconds: one each `everyMs`; the one in use is good for another `restMs`. */
export interface KeyUse {
  everyMs: number;
  restMs: number;
}

interface Look {
  atMs: number;
  /** Those it has, and all that were taken before. */
  total: number;
}

/** What was made longer ago says nothing. */
const WINDOW_MS = 60_000;
const LOOKS_MAX = 64;
/** Somebody listens: above it no key can be made (two-way error correction aside: Shor and Preskill 2000). */
export const QBER_MAX = 0.11;
/** What a link to which somebody listens is worth, at most: no time to wait for the end of its keys. */
const LISTENED_S = 25;

/** Of one link. */
export class KeyStockMeter {
  #looks: Look[] = [];
  #taken = 0;

  took(keys: number): void {
    this.#taken += keys;
  }

  /** @param atMs monotonic. */
  saw(keys: number, qber: number | undefined, atMs: number): KeyStock {
    const total = keys + this.#taken;
    const last = this.#looks.at(-1);
    // The key manager, or its link, began anew.
    if (last && total < last.total) this.#looks = [];
    this.#looks = [...this.#looks, { atMs, total }]
      .filter((look) => atMs - look.atMs <= WINDOW_MS)
      .slice(-LOOKS_MAX);
    const first = this.#looks[0]!;
    const lengthS = (atMs - first.atMs) / 1_000;
    return { keys, madePerS: lengthS > 0 ? (total - first.total) / lengthS : 0, qber };
  }
}

/** A link that is hardly used has to bear that somebody uses it: bytes a second, both directions, as of a gateway with a few cameras. */
const PAD_USE_LEAST = 256;
/** A link that is not used because its pads are scarce is one that would be used: what it was is forgotten by half in this time. */
const PAD_USE_HALF_MS = 60_000;

/** How fast the one-time pads of a link are used: bytes a second, the most of late. */
export class PadUse {
  #last: { used: number; atMs: number } | undefined;
  #perS = PAD_USE_LEAST;

  /** @param used bytes since the link is there. @param atMs monotonic. */
  saw(used: number, atMs: number): number {
    const last = this.#last;
    this.#last = { used, atMs };
    if (!last || atMs <= last.atMs) return this.#perS;
    const kept = this.#perS * 0.5 ** ((atMs - last.atMs) / PAD_USE_HALF_MS);
    const perS = (1_000 * (used - last.used)) / (atMs - last.atMs);
    this.#perS = Math.max(PAD_USE_LEAST, kept, perS);
    return this.#perS;
  }
}

/**
 * Seconds for which the bytes of one-time pads last that are there, when no new ones come: what is made does not count, because all of it is used where
 * pads are scarce, and then the backlog alone tells which way is the better one (Akhtar, Kim and Modiano, IEEE/ACM ToN 2023).
 */
export const padsLastS = (bytes: number, usedPerS: number, qber: number | undefined): number =>
  unlessHeard(bytes / usedPerS, qber);

/** Seconds; Infinity: as many are made as are used. */
export function keysLastS({ keys, madePerS, qber }: KeyStock, { everyMs, restMs }: KeyUse): number {
  const usedPerS = 1_000 / everyMs;
  // What is made counts up to half of what is used: it may end at any time.
  const lossPerS = usedPerS - Math.min(madePerS, usedPerS / 2);
  const isEnough = keys >= 1 && madePerS >= usedPerS;
  const lastS = isEnough ? Infinity : restMs / 1_000 + keys / lossPerS;
  return unlessHeard(lastS, qber);
}

const unlessHeard = (lastS: number, qber = 0): number =>
  qber > QBER_MAX ? Math.min(lastS, LISTENED_S) : lastS;
