/** What to do so that an edge becomes what it shall be: a table of every phase and wish. Pure. */

import { EdgePhase } from "@glassline/proto/node";

/** An edge that has never been ready so long after its start is called unready; one that has been, at once. */
const STARTING_NANO = 30_000_000_000n;

/** Where the agent's knowledge of one edge stands. */
export type Phase = "absent" | "running" | "stopping" | "waiting" | "givenUp";

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
 * "givenUp": it ended as often as its policy allows; only a new wish starts it. "waiting": it ended by itself and is started again after a pause; a new wish cuts the pause short, because whoever wishes
 * it knows more than the pause does.
 */
const STEPS: Readonly<Record<Phase, Readonly<Record<Wish, Step>>>> = {
  absent: { none: "forget", same: "start", other: "start", held: "nothing" },
  running: { none: "stop", same: "nothing", other: "stop", held: "nothing" },
  stopping: { none: "nothing", same: "nothing", other: "nothing", held: "nothing" },
  waiting: { none: "forget", same: "wait", other: "start", held: "nothing" },
  givenUp: { none: "forget", same: "nothing", other: "start", held: "nothing" },
};

export function stepFor(phase: Phase, wish: Wish): Step {
  return STEPS[phase][wish];
}

/** Since its start. */
interface Readiness {
  isReady: boolean;
  wasReady: boolean;
}

/** As its state tells it. @param ranNano nanoseconds since its start. */
export function edgePhaseOf(
  phase: Phase,
  { isReady, wasReady }: Readiness,
  ranNano: bigint,
): EdgePhase {
  if (phase === "stopping") return EdgePhase.STOPPING;
  if (phase !== "running") return EdgePhase.WAITING;
  if (isReady) return EdgePhase.READY;
  return !wasReady && ranNano < STARTING_NANO ? EdgePhase.STARTING : EdgePhase.UNREADY;
}
