/** What one sender's points have become: which of them were seen how often where they are stored. */

/** How far a sender is. */
export interface Sent {
  /** Points 1 to this are acknowledged. */
  acknowledged: number;
  /** No point beyond this one was ever made. */
  made: number;
  /** Whether a point went in a request that was sent again after a cut, which OTLP stores again. */
  mayRepeat(point: number): boolean;
}

export interface Findings {
  /** Acknowledged, but not stored. */
  lost: number;
  storedTwice: number;
  outOfOrder: number;
  /** A value, a time or a series that the sender never made. */
  wrong: number;
  /** Stored again because an OTLP sender, not having been answered, sent again: as OTLP wants it. */
  resentStoredAgain: number;
}

export const NO_FINDINGS: Findings = {
  lost: 0,
  storedTwice: 0,
  outOfOrder: 0,
  wrong: 0,
  resentStoredAgain: 0,
};

export function sum(all: readonly Findings[]): Findings {
  return all.reduce(
    (total, one) => ({
      lost: total.lost + one.lost,
      storedTwice: total.storedTwice + one.storedTwice,
      outOfOrder: total.outOfOrder + one.outOfOrder,
      wrong: total.wrong + one.wrong,
      resentStoredAgain: total.resentStoredAgain + one.resentStoredAgain,
    }),
    NO_FINDINGS,
  );
}

const FIRST_CAPACITY = 65_536;
const TIMES_MAX = 255;

export class Tally {
  /** By point: how often it was seen. */
  #times = new Uint8Array(FIRST_CAPACITY);
  #greatest = 0;
  #checkedTo = 0;
  #findings = NO_FINDINGS;

  /** Reads go in the order in which points are stored. @param point undefined when it is none of the sender's. */
  see(point: number | undefined, sent: Sent): void {
    if (point === undefined || point > sent.made) return this.#count("wrong");
    this.#reach(point);
    const times = this.#times[point]!;
    this.#times[point] = Math.min(times + 1, TIMES_MAX);
    if (times > 0) this.#count(sent.mayRepeat(point) ? "resentStoredAgain" : "storedTwice");
    else if (point < this.#greatest) this.#count("outOfOrder");
    this.#greatest = Math.max(this.#greatest, point);
  }

  /** Everything that was stored has been seen: what is acknowledged has to be among it. */
  check({ acknowledged }: Pick<Sent, "acknowledged">): Findings {
    this.#reach(acknowledged);
    for (let point = this.#checkedTo + 1; point <= acknowledged; point++)
      if (this.#times[point] === 0) this.#count("lost");
    this.#checkedTo = Math.max(this.#checkedTo, acknowledged);
    return this.#findings;
  }

  #count(what: keyof Findings): void {
    this.#findings = { ...this.#findings, [what]: this.#findings[what] + 1 };
  }

  #reach(point: number): void {
    if (point < this.#times.length) return;
    const grown = new Uint8Array(Math.max(point + 1, this.#times.length * 2));
    grown.set(this.#times);
    this.#times = grown;
  }
}
