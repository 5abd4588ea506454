/** Who tells OpsBot what is wrong: a port. The embedded monitor is one; a monitoring system can be another. */
import type { Change, CheckState, State } from "../core/check-state.ts";

/** What a check found. */
export interface Finding {
  object: string;
  check: string;
  state: State;
  /** For people. */
  output: string;
  value?: number | undefined;
  unit?: string | undefined;
  warning?: number | undefined;
  critical?: number | undefined;
}

export interface Observation
  extends Finding, Pick<CheckState, "hard" | "attempt" | "sinceUnixNano"> {
  maxAttempts: number;
  lastCheckedUnixNano: bigint;
}

export interface Observer extends AsyncDisposable {
  /** Everything that is looked at. */
  observations(): Observation[];
  /** Told of every result; `change` says whether it matters. */
  onResult(listener: (observation: Observation, change: Change) => void): void;
  /** Looks again at once, and tells what it found. */
  lookAt(object: string, check: string): Promise<Observation | undefined>;
}
