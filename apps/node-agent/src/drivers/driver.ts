/** How edges are run on a machine: a port. */
import type { EdgeSpec } from "@glassline/proto/node";

export interface Started {
  processId: number;
  /** Chosen for this start; the edge tells it in its status, so that it is known again. */
  instanceId: string;
}

/** How a process ended: "SIGKILL", "exit code 70". */
export type Ended = (how: string) => void;

export interface Driver extends AsyncDisposable {
  /** Starts an edge that outlives this agent. */
  start(spec: EdgeSpec, ended: Ended): Promise<Started>;
  /** Takes over an edge that an earlier life of the agent started; false when it does not run any more. */
  adopt(started: Started, spec: EdgeSpec, ended: Ended): Promise<boolean>;
  /** Asks it to end, and ends it when it does not. Resolves when it has ended. */
  stop(started: Started): Promise<void>;
  /** Whether it answers that it is ready. */
  isReady(spec: EdgeSpec): Promise<boolean>;
}
