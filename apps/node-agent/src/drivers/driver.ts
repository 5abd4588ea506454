/** How edges are run on a machine: a port. */
import type { ContainerDriver, EdgeSpec } from "@glassline/proto/node";

export interface Running {
  /** On this machine; 0: it has none that the machine knows. */
  processId: number;
  /** As the driver calls it; empty: it has none. */
  containerId: string;
}

export interface Started {
  /** 0: it was about to be started when the agent ended, or the machine knows none. */
  processId: number;
  /** Chosen before this start; the edge tells it in its status, so that it is known again. */
  instanceId: string;
  /** As it was started. */
  spec: EdgeSpec;
}

/** What an edge has, and has used. */
export interface Usage {
  memoryBytes: number;
  cpuMs: number;
}

/** How a process ended: "SIGKILL", "exit code 70". */
export type Ended = (how: string) => void;

export interface Driver extends AsyncDisposable {
  readonly kind: ContainerDriver;
  /** Why this machine can run no edges by it; undefined: it can. */
  refusal(): Promise<string | undefined>;
  /** Starts an edge that outlives this agent; what an earlier one of its name left is removed. Rejects when it cannot be started as wished. */
  start(spec: EdgeSpec, instanceId: string, ended: Ended): Promise<Running>;
  /** Takes over an edge that an earlier life of the agent started. Undefined: it does not run. */
  adopt(started: Started, ended: Ended): Promise<Running | undefined>;
  /** Asks it to end, and ends it when it takes longer than the patience. Resolves when it has ended. */
  stop(started: Started, patienceMs: number): Promise<void>;
  /** Undefined: it cannot be told. */
  usage(started: Started): Promise<Usage | undefined>;
  /** The last lines that it wrote, oldest first. @param maxLines at most so many. */
  lastLines(name: string, maxLines: number): Promise<string[]>;
  /** Removes containers of this agent that it does not know any more. @param known names of its edges. @returns what was removed. */
  sweep(known: ReadonlySet<string>): Promise<string[]>;
}
