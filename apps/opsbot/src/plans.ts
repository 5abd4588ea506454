/** Plans that people may still agree to: a few, for a few minutes. */
import { createHash } from "node:crypto";

import type { Caller, Change, Plan } from "./desk.ts";

/** So long a plan may be agreed to. */
const LIFE_MS = 120_000;
const PLANS_MAX = 1_000;

interface Kept {
  plan: Plan;
  who: string;
}

export class Plans {
  readonly #kept = new Map<string, Kept>();

  /** @param standsOn what must still be so when it is done. */
  keep(change: Change, says: string, standsOn: string, { who }: Caller, nowMs: number): Plan {
    for (const [hash, { plan }] of this.#kept)
      if (plan.untilMs <= nowMs || this.#kept.size >= PLANS_MAX) this.#kept.delete(hash);
    const plan = { hash: hashOf(change, standsOn), change, says, untilMs: nowMs + LIFE_MS };
    this.#kept.set(plan.hash, { plan, who });
    return plan;
  }

  /** @returns it, once. Undefined: there is none, it is too old, or another one's. */
  take(hash: string, { who }: Caller, nowMs: number): Plan | undefined {
    const kept = this.#kept.get(hash);
    if (kept?.who !== who) return undefined;
    this.#kept.delete(hash);
    return kept.plan.untilMs > nowMs ? kept.plan : undefined;
  }
}

export function hashOf(change: Change, standsOn: string): string {
  return createHash("sha256")
    .update(JSON.stringify([change, standsOn]))
    .digest("hex");
}
