/** How much the guard still lets be done at a moment. Pure. */

export interface BudgetLeft {
  /** "target", "runbook", "domain", "global" */
  scope: string;
  /** Of the target, the runbook or the domain; empty of all together. */
  name: string;
  /** Actions that may be begun now. */
  left: number;
}

/** Where there are more than can be shown. */
export function scarcest(all: readonly BudgetLeft[], limit: number): readonly BudgetLeft[] {
  return all.length <= limit ? all : all.toSorted((a, b) => a.left - b.left).slice(0, limit);
}
