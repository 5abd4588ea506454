/** How much the guard still lets be done at a moment. Pure. */

export const BUDGET_SCOPES = ["target", "runbook", "domain", "global"] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

export interface BudgetLeft {
  scope: BudgetScope;
  /** Of the target, the runbook or the domain; "all" of all together. */
  name: string;
  /** Actions that may be begun now. */
  left: number;
}

/** What was begun. */
interface Begun {
  target: string;
  runbook: string;
  domain: string;
  beganMs: number;
}

export interface BudgetFacts {
  nowMs: number;
  begun: readonly Begun[];
  /** All that may be acted upon, each with those that fail together with it. */
  targets: ReadonlyMap<string, { domain: string }>;
  budgets: Readonly<Record<BudgetScope, number>>;
  budgetWindowMs: number;
}

/** Of all targets and domains, and of those runbooks that were used within the window. */
export function budgetsLeft(facts: BudgetFacts): readonly BudgetLeft[] {
  const { nowMs, begun, targets, budgets, budgetWindowMs } = facts;
  const within = begun.filter(({ beganMs }) => beganMs > nowMs - budgetWindowMs);
  const nameIn = {
    target: (one: Begun) => one.target,
    runbook: (one: Begun) => one.runbook,
    domain: (one: Begun) => one.domain,
    global: () => "all",
  };
  const known = {
    target: targets.keys(),
    runbook: [],
    domain: targets.values().map(({ domain }) => domain),
    global: ["all"],
  };
  return BUDGET_SCOPES.flatMap((scope) => {
    const used = new Map<string, number>();
    for (const name of known[scope]) used.set(name, 0);
    for (const one of within) {
      const name = nameIn[scope](one);
      used.set(name, (used.get(name) ?? 0) + 1);
    }
    return [...used].map(([name, count]) => ({
      scope,
      name,
      left: Math.max(0, budgets[scope] - count),
    }));
  });
}

/** The scarcest, where there are more than can be shown. */
export function scarcest(all: readonly BudgetLeft[], limit: number): readonly BudgetLeft[] {
  return all.length <= limit ? all : all.toSorted((a, b) => a.left - b.left).slice(0, limit);
}
