/** How edges are run on a machine: a port. */
import type { EdgeSpec } from "@glassline/proto/node";

export interface Started {
  /** 0: it was about to be started when the agent ended. */
  processId: number;
  /** Chosen before this start; the edge tells it in its status, so that it is known again. */
  instanceId: string;
}

/** How a process ended: "SIGKILL", "exit code 70". */
export type Ended = (how: string) => void;

export interface Driver extends AsyncDisposable {
  /** Starts an edge that outlives this agent. @returns its process id. */
  start(spec: EdgeSpec, instanceId: string, ended: Ended): Promise<number>;
  /** Takes over an edge that an earlier life of the agent started. @returns its process id; undefined when it does not run. */
  adopt(started: Started, ended: Ended): Promise<number | undefined>;
  /** Asks it to end, and ends it when it takes longer than the patience. Resolves when it has ended. */
  stop(started: Started, patienceMs: number): Promise<void>;
  /** Whether it answers that it is ready. */
  isReady(spec: EdgeSpec): Promise<boolean>;
}
