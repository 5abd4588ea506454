import type { Edge } from "@glassline/proto/dashboard";
import { EdgePhase } from "@glassline/proto/node";

import { ageText, millisecondsOf } from "../format/time.ts";

/** "away": it does not answer, and nobody knows why. */
export type EdgeStateName = "ready" | "starting" | "unready" | "waiting" | "stopping" | "away";

const BY_PHASE: Readonly<Record<EdgePhase, EdgeStateName | undefined>> = {
  [EdgePhase.UNSPECIFIED]: undefined,
  [EdgePhase.STARTING]: "starting",
  [EdgePhase.READY]: "ready",
  [EdgePhase.UNREADY]: "unready",
  [EdgePhase.WAITING]: "waiting",
  [EdgePhase.STOPPING]: "stopping",
};

/** The node-agent knows best, but for an edge that it calls ready and that gives no answer. */
export function edgeState({ reachable, process }: Edge): EdgeStateName {
  const state = process && BY_PHASE[process.phase];
  if (state === undefined || state === "ready") return reachable ? "ready" : "away";
  return state;
}

/** The state in words; nowMs by the servers' clock. */
export function edgeStateText(edge: Edge, nowMs: number): string {
  const state = edgeState(edge);
  if (state !== "waiting") return state;
  const remainsMs = millisecondsOf(edge.process!.nextStartUnixNano) - nowMs;
  return remainsMs > 0 ? `waiting, starts in ${ageText(remainsMs + 999)}` : "waiting to start";
}
