/** Who tells OpsBot what is wrong: a port. The embedded monitor is one; a monitoring system can be another. */
import type { Change, CheckState, State } from "../core/check-state.ts";

/** What a check found. */
export interface Finding {
  object: string;
  check: string;
  /** "pending": nothing can be said at present, and what was known stays. */
  state: State | "pending";
  /** For people. */
  output: string;
  value?: number | undefined;
  unit?: string | undefined;
  warning?: number | undefined;
  critical?: number | undefined;
}

export interface Observation
  extends Omit<Finding, "state">, Pick<CheckState, "state" | "hard" | "attempt" | "sinceUnixNano"> {
  maxAttempts: number;
  lastCheckedUnixNano: bigint;
  /** Why nothing is done about it, for people: "in downtime", "acknowledged by anna". Undefined: nothing stands in the way. */
  suppressed?: string | undefined;
}

/** @returns whether nothing is left to do about it: no incident is open. */
export type Listener = (observation: Observation, change: Change) => Promise<boolean>;

export interface Observer extends AsyncDisposable {
  /** Everything that is looked at. */
  observations(): Observation[];
  /** Told of every result; `change` says whether it matters. What is not settled may be told again. */
  onResult(listener: Listener): void;
  /** Looks at it now; undefined: there is no such thing. Rejects when that cannot be known. */
  look(object: string, check: string): Promise<Observation | undefined>;
}
