/** What to do so that an edge becomes what it shall be: a table of every phase and wish. Pure. */

/** Where the agent's knowledge of one edge stands. */
export type Phase = "absent" | "running" | "stopping" | "waiting";

export type Wish =
  /** It shall not run. */
  | "none"
  /** It shall run as it does. */
  | "same"
  /** It shall run otherwise, or anew. */
  | "other"
  /** It shall be started, or run otherwise, and lacks what it needs for that: what runs goes on. */
  | "held";

export type Step = "start" | "stop" | "wait" | "forget" | "nothing";

/**
 * "waiting": it ended by itself and is started again after a pause; a new wish cuts the pause short, because whoever wishes
 * it knows more than the pause does.
 */
const STEPS: Readonly<Record<Phase, Readonly<Record<Wish, Step>>>> = {
  absent: { none: "forget", same: "start", other: "start", held: "nothing" },
  running: { none: "stop", same: "nothing", other: "stop", held: "nothing" },
  stopping: { none: "nothing", same: "nothing", other: "nothing", held: "nothing" },
  waiting: { none: "forget", same: "wait", other: "start", held: "nothing" },
};

export function stepFor(phase: Phase, wish: Wish): Step {
  return STEPS[phase][wish];
}
