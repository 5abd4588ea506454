/** The thread that makes blocks, one order at a time: started for an order, let go when none has come for long, as it takes memory. */
import { Worker } from "node:worker_threads";

import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { RecordOrigin } from "../stores/record-source.ts";
import type { BlockOrder, BlockReport } from "./block-worker.ts";

/** A thread that goes on reads only what is new, so it stays while segments come one after another. */
const IDLE_MAX_MS = 10_000;
/** For what is new: by default it would have more than all else of it takes. */
const YOUNG_MAX_MIB = 24;

export interface BlockThreadDeps {
  origin: RecordOrigin;
  clock: Clock;
  logger: Logger;
  onReport: (report: BlockReport) => void;
}

export class BlockThread implements AsyncDisposable {
  readonly #deps: BlockThreadDeps;
  #worker: Worker | undefined;
  /** The first index of the segment whose block is being made. */
  #underWay: number | undefined;
  #idleSinceMs = 0;

  constructor(deps: BlockThreadDeps) {
    this.#deps = deps;
  }

  get isBusy(): boolean {
    return this.#underWay !== undefined;
  }

  /** It must not be busy. One report follows. */
  order(order: BlockOrder): void {
    this.#underWay = order.segment.fromIndex;
    this.#worker ??= this.#start();
    this.#worker.postMessage(order);
  }

  letGoWhenIdle(): void {
    if (!this.#worker || this.isBusy) return;
    if (this.#deps.clock.monotonicMs() - this.#idleSinceMs >= IDLE_MAX_MS) void this.#letGo();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#underWay = undefined;
    await this.#letGo();
  }

  #start(): Worker {
    const worker = new Worker(new URL("block-worker.ts", import.meta.url), {
      workerData: this.#deps.origin,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MAX_MIB },
    });
    worker.unref();
    worker.on("message", (report: BlockReport) => this.#report(report));
    worker.on("error", (error) =>
      this.#deps.logger.error(
        { reason: messageOf(error) },
        "the thread that makes blocks has failed",
      ),
    );
    worker.on("exit", () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      if (this.#underWay !== undefined)
        this.#report({ firstIndex: this.#underWay, error: "the thread ended" });
    });
    return worker;
  }

  #report(report: BlockReport): void {
    this.#underWay = undefined;
    this.#idleSinceMs = this.#deps.clock.monotonicMs();
    this.#deps.onReport(report);
  }

  async #letGo(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}
