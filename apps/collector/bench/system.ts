/** What the benchmark starts and loads. */
import type { PinnedProcess } from "@glassline/bench/pinned-process";

/** A token for all: those that check none ignore it. */
export const TOKEN = "benchmark";

export interface System {
  name: string;
  /** A fresh one, with nothing stored. @param directory empty, for its files. */
  start(directory: string): Promise<RunningSystem>;
}

export interface RunningSystem extends AsyncDisposable {
  process: PinnedProcess;
  grpcPort: number;
  httpPort: number;
}
