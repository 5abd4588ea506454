/** A run of a torture command: its chances by a seed that is told, its progress, and its end at Ctrl-C. */
import { Random } from "./fleet-model.ts";
import type { Progress } from "./progress.ts";
import { progressOn } from "./progress.ts";

export interface TortureRun<T> {
  tortured: T;
  seed: number;
  tookMs: number;
}

/** @param wantedSeed 0: any. */
export async function runTorture<T>(
  wantedSeed: number,
  torture: (random: () => number, progress: Progress, stopping: AbortSignal) => Promise<T>,
): Promise<TortureRun<T>> {
  const seed = wantedSeed || crypto.getRandomValues(new Uint32Array(1))[0]!;
  const startMs = performance.now();
  const chance = new Random(seed);
  using progress = progressOn(process.stderr);
  const stopping = new AbortController();
  // A second Ctrl-C ends at once.
  process.once("SIGINT", () => stopping.abort());
  progress.say(`seed ${seed}`);
  const tortured = await torture(() => chance.uniform(), progress, stopping.signal);
  return { tortured, seed, tookMs: performance.now() - startMs };
}
