/** Primings: one at a time, a few that wait, and how the last ones went. */
import { RpcError } from "@glassline/proto/errors";

import type { Progress } from "./core/priming.ts";
import { newProgress } from "./core/priming.ts";
import type { EdgeMetrics } from "./metrics.ts";
import type { PrimeDeps, Wanted } from "./priming.ts";
import { Priming } from "./priming.ts";

const WAITING_MAX = 8;
/** Of older ones nobody knows any more. */
const REMEMBERED_MAX = 100;

export interface PrimingOptions {
  /** By it they are asked for. */
  idempotencyKey: string;
  /** Of the caller. */
  signal: AbortSignal;
  /** The caller does not wait for the end, and may go. */
  isBackground: boolean;
}

export class Primings implements Disposable {
  readonly #deps: PrimeDeps;
  readonly #metrics: EdgeMetrics;
  readonly #stop = new AbortController();
  readonly #known = new Map<string, Progress>();
  #unfinished = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: PrimeDeps, metrics: EdgeMetrics) {
    this.#deps = deps;
    this.#metrics = metrics;
  }

  /** Resolves at its end, or at once. Rejects with RpcError. */
  async run(wanted: Wanted, options: PrimingOptions): Promise<Progress> {
    const { idempotencyKey, signal, isBackground } = options;
    const progress = newProgress();
    const priming = new Priming(this.#deps, wanted, progress);
    if (this.#unfinished > WAITING_MAX)
      throw new RpcError(
        "resource_exhausted",
        `primings: got ${this.#unfinished} that have not ended, expected at most ${WAITING_MAX + 1}`,
      );
    this.#remember(idempotencyKey, progress);
    const stopping = this.#stop.signal;
    const until = isBackground ? stopping : AbortSignal.any([stopping, signal]);
    const ended = this.#inTurn(() => priming.run(until), progress);
    if (isBackground) ended.catch(() => {});
    else await ended;
    return progress;
  }

  of(idempotencyKey: string): Progress {
    const progress = this.#known.get(idempotencyKey);
    if (progress) return progress;
    throw new RpcError(
      "not_found",
      `idempotency_key: got ${JSON.stringify(idempotencyKey)}, expected that of one of the last ${REMEMBERED_MAX} primings`,
    );
  }

  async #inTurn(run: () => Promise<void>, progress: Progress): Promise<void> {
    this.#unfinished++;
    const before = this.#last;
    const { promise, resolve } = turnOf();
    this.#last = promise;
    try {
      await before;
      await run();
      this.#metrics.actions.inc({ kind: "prime" });
    } finally {
      resolve();
      this.#unfinished--;
      this.#metrics.primed.inc({ result: "fetched" }, progress.fetched);
      this.#metrics.primed.inc({ result: "failed" }, progress.failed);
    }
  }

  #remember(key: string, progress: Progress): void {
    this.#known.delete(key);
    this.#known.set(key, progress);
    if (this.#known.size > REMEMBERED_MAX) this.#known.delete(this.#known.keys().next().value!);
  }

  /** What runs is ended, what waits is not begun. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}

function turnOf(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
