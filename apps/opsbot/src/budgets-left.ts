/** A gauge of what the guard still lets be done, worked out when metrics are read. */
import type { Metrics } from "@glassline/service/metrics";

import type { BudgetLeft } from "./core/budgets-left.ts";
import { scarcest } from "./core/budgets-left.ts";

const BUDGETS_MAX = 1_000;

/** @param left asks the guard, or its store; while that fails, none are shown. */
export function showBudgetsLeft(
  metrics: Metrics,
  left: () => readonly BudgetLeft[] | Promise<readonly BudgetLeft[]>,
): void {
  const help = `Actions that may be begun now, by what limits them; the ${BUDGETS_MAX} scarcest.`;
  metrics.gauge("opsbot_budget_left", help, ["scope", "name"], async (gauge) => {
    const all = await Promise.try(left).catch((): readonly BudgetLeft[] => []);
    gauge.reset();
    for (const { scope, name, left: count } of scarcest(all, BUDGETS_MAX))
      gauge.set({ scope, name }, count);
  });
}
