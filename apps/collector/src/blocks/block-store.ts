/** Closed segments of the log as blocks, which are read by camera and time. A thread makes them in the background. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { BlockIndex } from "@glassline/proto/storage";
import { messageOf, systemCodeOf } from "@glassline/service/errors";
import type { Clock } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";

import type { Rollup } from "../core/rollup.ts";
import type { CollectorMetrics } from "../metrics.ts";
import type { TelemetryLog } from "../stores/telemetry-log.ts";
import { BlockDamaged, readChunks, readIndex } from "./block-file.ts";
import type { BlockName } from "./block-name.ts";
import { mayHold, nameOf, readName } from "./block-name.ts";
import { BlockThread } from "./block-thread.ts";
import type { BlockReport } from "./block-worker.ts";
import type { Found, Wanted } from "./chunk-points.ts";
import { chunksFor, collectChunk } from "./chunk-points.ts";
import { IndexCache } from "./index-cache.ts";

const INDEXES_MAX_BYTES = 134_217_728;
const RETRY_MS = 10_000;
/** Blocks, drafts of blocks, and blocks of an older format, which are made again. */
const OURS = /^\d{16}.*\.(block|new)$/;

export interface BlockStoreDeps {
  directory: string;
  log: TelemetryLog;
  clock: Clock;
  logger: Logger;
  metrics: CollectorMetrics;
  /** Of the indexes that are at hand. */
  indexesMaxBytes?: number;
}

type Times = Pick<Wanted, "from" | "to" | "besides">;

interface Waiting {
  promise: Promise<void>;
  resolve: () => void;
}

export class BlockStore implements AsyncDisposable {
  readonly #deps: BlockStoreDeps;
  readonly #thread: BlockThread;
  /** By the first record's index. */
  readonly #stored = new Map<number, BlockName>();
  #retryAtMs = 0;
  readonly #waiting = new Map<number, Waiting>();
  readonly #indexes: IndexCache;

  private constructor(deps: BlockStoreDeps) {
    this.#deps = deps;
    this.#indexes = new IndexCache(deps.indexesMaxBytes ?? INDEXES_MAX_BYTES);
    const { log, clock, logger } = deps;
    const onReport = (report: BlockReport) => this.#made(report);
    this.#thread = new BlockThread({ origin: log.origin, clock, logger, onReport });
  }

  static async open(deps: BlockStoreDeps): Promise<BlockStore> {
    await mkdir(deps.directory, { recursive: true, mode: 0o700 });
    const store = new BlockStore(deps);
    for (const name of await readdir(deps.directory)) {
      const block = readName(name);
      if (block && !store.isStored(block.firstIndex)) store.#stored.set(block.firstIndex, block);
      else if (OURS.test(name)) await rm(join(deps.directory, name), { force: true });
    }
    return store;
  }

  isStored(firstIndex: number): boolean {
    return this.#stored.has(firstIndex);
  }

  /** Orders the next block when there is one to be made, and lets blocks go whose segment is gone. */
  sweep(): void {
    const { segments } = this.#deps.log;
    for (const firstIndex of this.#stored.keys()) {
      if (firstIndex < segments[0]!.firstIndex) void this.#drop(firstIndex);
    }
    for (const firstIndex of this.#waiting.keys()) {
      if (firstIndex < segments[0]!.firstIndex) this.#settle(firstIndex);
    }
    this.#thread.letGoWhenIdle();
    if (this.#thread.isBusy || this.#deps.clock.monotonicMs() < this.#retryAtMs) return;
    const next = segments.findIndex(
      ({ firstIndex }, at) => at + 1 < segments.length && !this.#stored.has(firstIndex),
    );
    if (next === -1) return;
    const ranges = segments.slice(0, next + 1).map(({ firstIndex }, at) => ({
      fromIndex: firstIndex,
      toIndex: segments[at + 1]!.firstIndex,
    }));
    const segment = ranges.pop()!;
    this.#thread.order({
      segment,
      earlier: ranges.toReversed(),
      blockDirectory: this.#deps.directory,
    });
  }

  /**
   * The camera's points of the metrics in blocks of records before `beforeIndex`, by series: block by block. Waits for
   * blocks that are still to be made. Throws the signal's reason when it is aborted.
   */
  async *points(wanted: Wanted, beforeIndex: number, signal: AbortSignal): AsyncGenerator<Found> {
    const { segments } = this.#deps.log;
    for (const { firstIndex } of segments.slice(0, -1)) {
      if (firstIndex >= beforeIndex) break;
      signal.throwIfAborted();
      if (this.#isBeside(firstIndex, wanted)) continue;
      const found = await this.#ask(firstIndex, signal, (block) => this.#collect(block, wanted));
      if (found) yield found;
    }
  }

  /**
   * The metric over all cameras, from blocks that may have minutes of the rollup. Waits for those of records before `beforeIndex`.
   * @returns the first indexes of segments that are not in it, because they have no block yet.
   */
  async rollUp(
    metric: string,
    beforeIndex: number,
    rollup: Rollup,
    signal: AbortSignal,
  ): Promise<Set<number>> {
    const missing = new Set<number>();
    for (const { firstIndex } of this.#deps.log.segments.slice()) {
      signal.throwIfAborted();
      if (firstIndex >= beforeIndex && !this.#stored.has(firstIndex)) {
        missing.add(firstIndex);
        continue;
      }
      if (this.#isBeside(firstIndex, rollup.times)) continue;
      const index = await this.#ask(firstIndex, signal, (block) => this.#index(block));
      if (index) addRollup(index, metric, rollup);
    }
    return missing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
    for (const firstIndex of this.#waiting.keys()) this.#settle(firstIndex);
  }

  /** A block that is there and has nothing of those times. */
  #isBeside(firstIndex: number, { from, to, besides = from }: Times): boolean {
    const block = this.#stored.get(firstIndex);
    return block !== undefined && !(mayHold(block, from, to) && mayHold(block, besides, to));
  }

  #pathOf(block: BlockName): string {
    return join(this.#deps.directory, nameOf(block));
  }

  #made(report: BlockReport): void {
    const { metrics, logger, clock } = this.#deps;
    if ("error" in report) {
      this.#retryAtMs = clock.monotonicMs() + RETRY_MS;
      metrics.blockFailures.inc();
      logger.error({ segment: report.firstIndex, reason: report.error }, "no block could be made");
      return;
    }
    const { firstIndex, leastMs, greatestMs } = report;
    this.#stored.set(firstIndex, { firstIndex, leastMs, greatestMs });
    metrics.blocks.inc();
    metrics.notInBlocks.inc(report.unreadable);
    if (report.unreadable > 0)
      logger.error({ segment: report.firstIndex, records: report.unreadable }, "unreadable");
    this.#settle(report.firstIndex);
    this.sweep();
  }

  async #drop(firstIndex: number): Promise<void> {
    const block = this.#stored.get(firstIndex);
    if (!block) return;
    this.#stored.delete(firstIndex);
    this.#indexes.delete(firstIndex);
    try {
      await rm(this.#pathOf(block), { force: true });
    } catch (error) {
      this.#deps.logger.warn({ reason: messageOf(error) }, "an old block could not be deleted");
    }
  }

  async #whenStored(firstIndex: number, signal: AbortSignal): Promise<void> {
    if (this.#stored.has(firstIndex)) return;
    let waiting = this.#waiting.get(firstIndex);
    if (!waiting) this.#waiting.set(firstIndex, (waiting = Promise.withResolvers<void>()));
    this.sweep();
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    signal.addEventListener("abort", abort);
    await Promise.race([waiting.promise, aborted.promise]);
    signal.removeEventListener("abort", abort);
    signal.throwIfAborted();
  }

  #settle(firstIndex: number): void {
    this.#waiting.get(firstIndex)?.resolve();
    this.#waiting.delete(firstIndex);
  }

  /**
   * Asks a block when it is there, and once more when it was damaged and had to be made again.
   * @returns undefined when retention has let it go.
   */
  async #ask<T>(
    firstIndex: number,
    signal: AbortSignal,
    work: (block: BlockName) => Promise<T>,
  ): Promise<T | undefined> {
    for (let time = 0; time < 2; time++) {
      await this.#whenStored(firstIndex, signal);
      const block = this.#stored.get(firstIndex);
      if (!block) return undefined;
      try {
        return await work(block);
      } catch (error) {
        const isGone = systemCodeOf(error) === "ENOENT";
        if (isGone && !this.#stored.has(firstIndex)) return undefined;
        if (!(error instanceof BlockDamaged) && !isGone) throw error;
        const reason = messageOf(error);
        this.#deps.logger.error({ reason }, "a block is damaged: it is made again");
        await this.#drop(firstIndex);
      }
    }
    throw new Error(`block ${firstIndex} is damaged again, as soon as it was made`);
  }

  async #collect(block: BlockName, wanted: Wanted): Promise<Found> {
    const found: Found = new Map();
    const { chunks } = await this.#index(block);
    const asked = chunksFor(chunks, wanted);
    if (asked.length === 0) return found;
    for await (const bytes of readChunks(this.#pathOf(block), asked))
      collectChunk(bytes, wanted, found);
    return found;
  }

  async #index(block: BlockName): Promise<BlockIndex> {
    let index = this.#indexes.get(block.firstIndex);
    if (!index) {
      index = await readIndex(this.#pathOf(block));
      this.#indexes.set(block.firstIndex, index);
    }
    return index;
  }
}

function addRollup({ rollups }: BlockIndex, metric: string, rollup: Rollup): void {
  const found = rollups.find((one) => one.metric === metric);
  for (const [at, minute] of (found?.minute ?? []).entries()) {
    rollup.merge(minute, {
      count: Number(found!.count[at]),
      sum: found!.sum[at]!,
      least: found!.least[at]!,
      greatest: found!.greatest[at]!,
    });
  }
}
