/** What a sequence has begun, looked at without anything of the guard's: every window, by counting. */
import type { GuardLimits } from "../src/core/guard.ts";

export interface Happened {
  target: string;
  domain: string;
  runbook: string;
  isDisruptive: boolean;
  /** By a clock that nobody sets. */
  atMs: number;
  endedMs: number;
}

/** @param sizes of the domains. @returns what is over a limit, for people. */
export function excesses(
  all: readonly Happened[],
  limits: GuardLimits,
  sizes: ReadonlyMap<string, number>,
): string[] {
  return all.flatMap((last) => [
    ...budgetExcesses(last, all, limits),
    ...disruptionExcess(last, all, limits, sizes),
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
  sizes: ReadonlyMap<string, number>,
): string[] {
  if (!last.isDisruptive) return [];
  const felt = all.filter(
    ({ isDisruptive, domain, atMs, endedMs }) =>
      isDisruptive &&
      domain === last.domain &&
      atMs <= last.atMs &&
      (atMs > last.atMs - disruptionWindowMs || endedMs > last.atMs),
  );
  const targets = new Set(felt.map(({ target }) => target)).size;
  const most = Math.max(1, Math.floor(disruptionShare * sizes.get(last.domain)!));
  return targets > most
    ? [`disruption: got ${targets} of ${last.domain}, expected at most ${most}`]
    : [];
}
