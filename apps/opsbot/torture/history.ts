/** What a sequence has begun, looked at without anything of the guard's: every window, by counting. */
import type { GuardLimits } from "../src/core/guard.ts";

export interface Happened {
  target: string;
  domain: string;
  /** The same of those that serve the same viewers: a channel, or the domain. */
  serves: string;
  runbook: string;
  isDisruptive: boolean;
  /** By a clock that nobody sets. */
  atMs: number;
  endedMs: number;
}

/** @param sizes of the domains. @param serving how many serve the same viewers. @returns what is over a limit, for people. */
export function excesses(
  all: readonly Happened[],
  limits: GuardLimits,
  sizes: ReadonlyMap<string, number>,
  serving: ReadonlyMap<string, number>,
): string[] {
  return all.flatMap((last) => [
    ...budgetExcesses(last, all, limits),
    ...disruptionExcess(last, all, limits, { domain: sizes, serves: serving }),
  ]);
}

/** In the window that ends with it. */
function budgetExcesses(
  last: Happened,
  all: readonly Happened[],
  { budgets, budgetWindowMs }: GuardLimits,
): string[] {
  const window = all.filter(({ atMs }) => atMs <= last.atMs && atMs > last.atMs - budgetWindowMs);
  const counts = {
    target: window.filter(({ target }) => target === last.target).length,
    runbook: window.filter(({ runbook }) => runbook === last.runbook).length,
    domain: window.filter(({ domain }) => domain === last.domain).length,
    global: window.length,
  };
  return (["target", "runbook", "domain", "global"] as const)
    .filter((scope) => counts[scope] > budgets[scope])
    .map(
      (scope) => `${scope}: got ${counts[scope]} in a window, expected at most ${budgets[scope]}`,
    );
}

function disruptionExcess(
  last: Happened,
  all: readonly Happened[],
  { disruptionWindowMs, disruptionShare }: GuardLimits,
  sizes: Record<"domain" | "serves", ReadonlyMap<string, number>>,
): string[] {
  if (!last.isDisruptive) return [];
  const felt = all.filter(
    ({ isDisruptive, atMs, endedMs }) =>
      isDisruptive &&
      atMs <= last.atMs &&
      (atMs > last.atMs - disruptionWindowMs || endedMs > last.atMs),
  );
  const found = (["domain", "serves"] as const).flatMap((of) => {
    const name = last[of];
    const targets = new Set(felt.filter((one) => one[of] === name).map(({ target }) => target));
    const most = Math.max(1, Math.floor(disruptionShare * sizes[of].get(name)!));
    return targets.size > most
      ? [`disruption: got ${targets.size} of ${name}, expected at most ${most}`]
      : [];
  });
  return [...new Set(found)];
}
