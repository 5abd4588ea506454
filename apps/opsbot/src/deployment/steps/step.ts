/** A step of a deployment: a port. Each may be done again at any time, and does what is missing. */
import type { StepName } from "../../core/deployment/steps.ts";
import type { Look } from "../../machines.ts";
import type { Begun, Observed, Work } from "../parts.ts";

/** For people: what was done, or why there was nothing to do. */
export type Done = { says: string } | { skipped: string };

export interface Step {
  name: StepName;
  /** What is otherwise than wished, for people, of a channel that is live. Rejects when that cannot be seen. */
  lacks(seen: Observed, look: Look): Promise<readonly string[]>;
  /** Rejects with why it cannot be done. */
  run(work: Work): Promise<Done>;
  /** Takes all of it away, whatever is there, and whatever its description says. */
  undo(begun: Begun): Promise<Done>;
}
