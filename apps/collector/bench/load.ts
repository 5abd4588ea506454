/** A closed loop: so many requests are always under way, each followed by the next when it is acknowledged. */
import { setTimeout as delay } from "node:timers/promises";

/** A client of the system under test. Its requests are in memory, encoded and compressed. */
export interface Client extends AsyncDisposable {
  /** Resolves when the request is acknowledged. Rejects with Refusal when the answer is an error. */
  send(body: Buffer): Promise<void>;
}

/** The system answered, but with an error: nothing of the request counts. */
export class Refusal extends Error {}

/** An empty ExportMetricsServiceResponse, and one with an empty partial_success. */
const WHOLE_SUCCESS = new Set(["", "0a00"]);

/** What is wrong with an answer; undefined when all points were accepted. */
export function partialSuccessOf(response: Buffer): string | undefined {
  const hex = response.toString("hex");
  return WHOLE_SUCCESS.has(hex) ? undefined : `partial success ${hex}`;
}

export interface LoadOptions {
  bodies: readonly Buffer[];
  concurrency: number;
  warmupMs: number;
  measureMs: number;
}

export interface LoadResult {
  acknowledged: number;
  refused: number;
  elapsedMs: number;
  /** Of all acknowledged requests, ascending. */
  latencyMs: Float64Array;
}

/** Sends for a while unmeasured, then measures. `onEdge` is called when the measurement begins and when it ends. */
export async function runLoad(
  client: Client,
  { bodies, concurrency, warmupMs, measureMs }: LoadOptions,
  onEdge: () => void,
): Promise<LoadResult> {
  const startMs = performance.now();
  const fromMs = startMs + warmupMs;
  const toMs = fromMs + measureMs;
  const latencyMs: number[] = [];
  let [next, refused] = [0, 0];
  const one = async () => {
    for (let sentMs = performance.now(); sentMs < toMs; sentMs = performance.now()) {
      const isAcknowledged = await accepted(client.send(bodies[next++ % bodies.length]!));
      const endMs = performance.now();
      if (endMs < fromMs || endMs >= toMs) continue;
      if (isAcknowledged) latencyMs.push(endMs - sentMs);
      else refused++;
    }
  };
  const stop = new AbortController();
  const edge = (atMs: number) => delay(atMs, undefined, { signal: stop.signal }).then(onEdge);
  const edges = [edge(warmupMs), edge(warmupMs + measureMs)];
  const sending = Array.from({ length: concurrency }, one);
  await Promise.all([...sending, ...edges]).finally(() => stop.abort());
  return {
    acknowledged: latencyMs.length,
    refused,
    elapsedMs: measureMs,
    latencyMs: Float64Array.from(latencyMs).sort(),
  };
}

async function accepted(sending: Promise<void>): Promise<boolean> {
  try {
    await sending;
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** @param sorted ascending, not empty. @param share 0.99: the value that 99 % are not above. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}
