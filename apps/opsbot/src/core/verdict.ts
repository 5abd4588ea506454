/** What a look at one thing says: for the embedded monitor and for check plugins alike. Pure. */
import type { State } from "./check-state.ts";
import type { Limits, Range } from "./range.ts";
import { limitOf } from "./range.ts";

/** Source: https://www.monitoring-plugins.org/doc/guidelines.html#AEN201 */
export type Unit = "" | "%" | "s" | "ms" | "B" | "c";

export interface Measure {
  /** What it is: "hit_rate". */
  label: string;
  value: number;
  unit: Unit;
  limits?: Limits | undefined;
  min?: number;
  max?: number;
}

export interface Verdict {
  state: State;
  /** For people. */
  output: string;
  /** What it was judged by comes first. */
  measures?: readonly Measure[];
  /** More for people, a line each. */
  details?: readonly string[];
}

/** From the best to the worst: what is not known may be critical. */
const SEVERITY: readonly State[] = ["ok", "warning", "unknown", "critical"];

export function worstOf(states: readonly State[]): State {
  return states.reduce<State>(
    (worst, state) => (SEVERITY.indexOf(state) > SEVERITY.indexOf(worst) ? state : worst),
    "ok",
  );
}

/** The verdict in the words of an observation: its first measure. */
export function findingOf(object: string, check: string, { state, output, measures }: Verdict) {
  const first = measures?.[0];
  const found = { object, check, state, output };
  if (!first || !Number.isFinite(first.value)) return found;
  const { value, unit, limits } = first;
  return {
    ...found,
    value,
    unit,
    warning: limit(limits?.warning),
    critical: limit(limits?.critical),
  };
}

const limit = (range: Range | undefined) => range && limitOf(range);
