/** How many producers a collector lets in, looked at by a thread of its own: the one that has their connections is busy meanwhile. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

import { metricOf } from "./collector-metrics.ts";

const LOOK_MS = 100;

export class AdmissionWatch implements Disposable {
  readonly #worker: Worker;

  constructor(adminPort: number) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: adminPort });
  }

  /** The most that were let in within any second until now. */
  async busiestSecond(): Promise<number> {
    this.#worker.postMessage("end");
    const [most] = (await once(this.#worker, "message")) as [number];
    return most;
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}

interface Look {
  atMs: number;
  letIn: number;
}

async function watch(adminPort: number): Promise<void> {
  const stop = new AbortController();
  parentPort!.once("message", () => stop.abort());
  const looks: Look[] = [];
  do {
    const letIn = await metricOf(adminPort, "otqmn_admissions_total");
    looks.push({ atMs: performance.now(), letIn });
    await delay(LOOK_MS, undefined, { signal: stop.signal }).catch(() => {});
  } while (!stop.signal.aborted);
  parentPort!.postMessage(mostWithinASecond(looks));
}

/** Of looks that lie a second apart at most. */
function mostWithinASecond(looks: readonly Look[]): number {
  let [most, from] = [0, 0];
  for (const look of looks) {
    while (look.atMs - looks[from]!.atMs > 1_000) from++;
    most = Math.max(most, look.letIn - looks[from]!.letIn);
  }
  return most;
}

if (!isMainThread) await watch(workerData as number);
