/** Plans that people may still agree to: a few, for a few minutes. */
import { createHash } from "node:crypto";

import type { Caller, Change, Outcome, Plan, Refusal } from "./desk.ts";

/** So long a plan may be agreed to. */
const LIFE_MS = 120_000;
const PLANS_MAX = 1_000;

interface Kept {
  plan: Plan;
  who: string;
  /** Once it is being done. */
  outcome?: Promise<Outcome | Refusal>;
}

export class Plans {
  readonly #kept = new Map<string, Kept>();

  /** @param standsOn what must still be so when it is done. */
  keep(change: Change, says: string, standsOn: string, { who }: Caller, nowMs: number): Plan {
    for (const [hash, { plan }] of this.#kept)
      if (plan.untilMs <= nowMs || this.#kept.size >= PLANS_MAX) this.#kept.delete(hash);
    const hash = hashOf(change, standsOn, who);
    const plan = { hash, change, says, untilMs: nowMs + LIFE_MS };
    this.#kept.set(hash, { plan, who });
    return plan;
  }

  /** Undefined: there is no such plan. */
  changeOf(hash: string): Change | undefined {
    return this.#kept.get(hash)?.plan.change;
  }

  /**
   * Does it, once: who asks again is told what came of it.
   * @param apply gets who planned it, too. @returns undefined: there is none, or it is too old.
   */
  take(
    hash: string,
    nowMs: number,
    apply: (plan: Plan, who: string) => Promise<Outcome | Refusal>,
  ): Promise<Outcome | Refusal> | undefined {
    const kept = this.#kept.get(hash);
    if (!kept || kept.plan.untilMs <= nowMs) return undefined;
    return (kept.outcome ??= apply(kept.plan, kept.who));
  }
}

export function hashOf(change: Change, standsOn: string, who: string): string {
  const text = JSON.stringify([change, standsOn, who]);
  return createHash("sha256").update(text).digest("hex");
}
