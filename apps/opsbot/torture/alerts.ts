/** What alerts in a sequence, looked at without anything of the guard's: those that began together and still alert are a storm. */
import type { State } from "../src/core/check-state.ts";
import type { GuardLimits } from "../src/core/guard.ts";

export class Alerts {
  readonly #limits: GuardLimits["storm"];
  readonly #sizes: ReadonlyMap<string, number>;
  /** By domain, target and check: what was found last, and is not well. */
  readonly #troubles = new Map<string, Map<string, Map<string, State>>>();
  /** By domain and target: since when it alerts. */
  readonly #sinceMs = new Map<string, Map<string, number>>();
  #stormUntilMs = Number.NEGATIVE_INFINITY;

  /** @param sizes of the domains. */
  constructor(limits: GuardLimits["storm"], sizes: ReadonlyMap<string, number>) {
    this.#limits = limits;
    this.#sizes = sizes;
    for (const domain of sizes.keys()) {
      this.#troubles.set(domain, new Map());
      this.#sinceMs.set(domain, new Map());
    }
  }

  found(domain: string, target: string, check: string, state: State, nowMs: number): void {
    this.isStormy(nowMs);
    const targets = this.#troubles.get(domain)!;
    const troubles = targets.get(target) ?? new Map<string, State>();
    targets.set(target, troubles.set(check, state));
    const sinceMs = this.#sinceMs.get(domain)!;
    if (!troubles.values().some((one) => one === "critical")) sinceMs.delete(target);
    else if (!sinceMs.has(target)) sinceMs.set(target, nowMs);
    this.isStormy(nowMs);
  }

  /** Something was found of it. */
  isKnown(domain: string, target: string): boolean {
    return this.#troubles.get(domain)?.has(target) ?? false;
  }

  /** Something was found of it, and all of it is well. */
  isHealthy(domain: string, target: string): boolean {
    const troubles = this.#troubles.get(domain)?.get(target);
    return troubles !== undefined && troubles.values().every((state) => state === "ok");
  }

  /** Of any domain: it stops automation everywhere. */
  isStormy(nowMs: number): boolean {
    const { windowMs, holdMs, share, least } = this.#limits;
    for (const [domain, sinceMs] of this.#sinceMs) {
      const enough = Math.max(least, Math.ceil(share * this.#sizes.get(domain)!));
      const began = [...sinceMs.values()].toSorted((a, b) => a - b);
      const together = began.some((ms, at) => began[at + enough - 1]! - ms < windowMs);
      if (together) this.#stormUntilMs = nowMs + holdMs;
    }
    return nowMs < this.#stormUntilMs;
  }

  /** As another process sees it, that looks at all of it now. */
  seenAnew(nowMs: number): Alerts {
    const anew = new Alerts(this.#limits, this.#sizes);
    for (const { domain, target, check, state } of this.known())
      anew.found(domain, target, check, state, nowMs);
    return anew;
  }

  /** Everything that was found last. */
  *known(): Generator<{ domain: string; target: string; check: string; state: State }> {
    for (const [domain, targets] of this.#troubles)
      for (const [target, troubles] of targets)
        for (const [check, state] of troubles) yield { domain, target, check, state };
  }
}
