/** Plans to which people can still say yes: those of each caller, until they have gone stale. Pure. */

export interface OpenPlan {
  hash: string;
  /** What was said, for saying it again. */
  line: string;
  /** Unix milliseconds. */
  madeMs: number;
  untilMs: number;
}

/** A plain "yes" is meant for what was told just now. */
const PLAIN_YES_MS = 120_000;
const CALLERS_MAX = 256;
const PLANS_MAX = 8;
const DIGITS = 6;

export class OpenPlans {
  /** Those who asked last are last. */
  readonly #plans = new Map<string, readonly OpenPlan[]>();

  /** What is too much pushes the oldest out: who comes late is told to say it again. */
  add(who: string, plan: OpenPlan): void {
    const others = this.#of(who, plan.madeMs).filter(({ hash }) => hash !== plan.hash);
    this.#plans.delete(who);
    this.#plans.set(who, [...others, plan].slice(-PLANS_MAX));
    const oldest = this.#plans.keys().next().value;
    if (this.#plans.size > CALLERS_MAX && oldest !== undefined) this.#plans.delete(oldest);
  }

  /** Those that can be meant. @param digits with which the hash begins; undefined: whatever was told just now. */
  meant(who: string, digits: string | undefined, nowMs: number): readonly OpenPlan[] {
    return this.#of(who, nowMs).filter(({ hash, madeMs }) =>
      digits === undefined ? nowMs < madeMs + PLAIN_YES_MS : hash.startsWith(digits),
    );
  }

  /** @returns whether there were some. @param hash undefined: all of them. */
  forget(who: string, nowMs: number, hash?: string): boolean {
    const open = this.#of(who, nowMs);
    const left = hash === undefined ? [] : open.filter((plan) => plan.hash !== hash);
    if (left.length === 0) this.#plans.delete(who);
    else this.#plans.set(who, left);
    return left.length < open.length;
  }

  /** So many digits of its hash that it is no other's. */
  digitsOf(who: string, { hash, madeMs }: OpenPlan): string {
    const others = this.#of(who, madeMs).filter((plan) => plan.hash !== hash);
    let digits = DIGITS;
    while (others.some((plan) => plan.hash.startsWith(hash.slice(0, digits)))) digits++;
    return hash.slice(0, digits);
  }

  #of(who: string, nowMs: number): readonly OpenPlan[] {
    return (this.#plans.get(who) ?? []).filter(({ untilMs }) => nowMs < untilMs);
  }
}
