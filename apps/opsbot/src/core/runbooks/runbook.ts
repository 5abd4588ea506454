/** What a runbook is: when it is begun, what it looks at, what it does, who feels it, and how it is taken back. Pure. */
import type { Observation } from "../../observers/observer.ts";
import type { Action, ActionKind } from "../action.ts";

/** What can be acted upon. */
export type TargetKind = "edge" | "link" | "collector" | "overlay" | "channel" | "machine";

/** A problem that a runbook answers, and as which of those that do. */
export interface Trigger {
  check: string;
  /** Counted from 1. */
  turn: number;
}

export interface Runbook {
  /** What people call it. */
  name: string;
  /** For people. */
  help: string;
  does: ActionKind;
  targets: TargetKind;
  /** None: only when a person asks. */
  triggers: readonly Trigger[];
  /** How often it is tried for one problem: at most twice. */
  tries: 1 | 2;
  blastRadius: {
    /** Viewers, or measurements on their way, feel it at the target; else nobody does. */
    isFelt: boolean;
    /** For people. */
    says: string;
  };
  /** observe: why there is nothing to do about what is seen just before acting; undefined: there is. */
  observe(seen: Observation | undefined): string | undefined;
  /** plan: what is done to the object that has the problem. */
  plan(object: string): Action;
  /** verify: whether what is seen after the action says that it helped. */
  verify(seen: Observation): boolean;
  /** What takes it back; undefined: nothing does. */
  undo: ((action: Action) => Action | undefined) | undefined;
  /** It is taken back when the problem is over. */
  isForAWhile?: boolean;
}

/** Most runbooks go by their check alone. */
export function whileItLasts(seen: Observation | undefined): string | undefined {
  if (!seen) return undefined;
  if (seen.suppressed !== undefined) return seen.suppressed;
  if (seen.state === "ok") return `${seen.check} is ok again: ${seen.output}`;
  if (seen.state === "warning") return `${seen.check} is no more than a warning: ${seen.output}`;
  return seen.state === "unknown" ? `it cannot be seen how it is: ${seen.output}` : undefined;
}

export const isOver = ({ state }: Observation): boolean => state === "ok";
