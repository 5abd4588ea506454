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

/** Seconds; Infinity: as many are made as are used. */
export function keysLastS({ keys, madePerS, qber }: KeyStock, { everyMs, restMs }: KeyUse): number {
  const usedPerS = 1_000 / everyMs;
  // What is made counts up to half of what is used: it may end at any time.
  const lossPerS = usedPerS - Math.min(madePerS, usedPerS / 2);
  const isEnough = keys >= 1 && madePerS >= usedPerS;
  const lastS = isEnough ? Infinity : restMs / 1_000 + keys / lossPerS;
  return (qber ?? 0) > QBER_MAX ? Math.min(lastS, LISTENED_S) : lastS;
}
