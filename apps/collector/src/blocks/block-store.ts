/** Closed segments of the log as blocks, which are read by camera and time. A thread makes them in the background. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Series } from "@glassline/otqmn/sample";
import { seriesId } from "@glassline/otqmn/sample";
import { decodeBundle } from "@glassline/otqmn/whole-bundle";
import type { BlockChunk, BlockIndex } from "@glassline/proto/storage";
import { messageOf, systemCodeOf } from "@glassline/service/errors";
import type { Clock } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";

import type { Point } from "../core/points.ts";
import type { Rollup } from "../core/rollup.ts";
import type { CollectorMetrics } from "../metrics.ts";
import type { TelemetryLog } from "../stores/telemetry-log.ts";
import { BlockDamaged, readChunks, readIndex } from "./block-file.ts";
import { BlockThread } from "./block-thread.ts";
import type { BlockReport } from "./block-worker.ts";

/** Chunks whose place in their block is at hand, over all blocks. */
const INDEX_CHUNKS_MAX = 500_000;
const RETRY_MS = 10_000;
const BLOCK_NAME = /^(\d{16})\.block$/;

export interface BlockStoreDeps {
  directory: string;
  log: TelemetryLog;
  clock: Clock;
  logger: Logger;
  metrics: CollectorMetrics;
}

/** What is asked of one camera: from <= time < to. */
export interface Wanted {
  cameraId: string;
  metric: string;
  from: bigint;
  to: bigint;
}

export interface SeriesPoints {
  series: Series;
  /** In order of arrival. */
  points: Point[];
}

/** By the text that `seriesId` gives. */
type Found = Map<string, SeriesPoints>;

interface Waiting {
  promise: Promise<void>;
  resolve: () => void;
}

export class BlockStore implements AsyncDisposable {
  readonly #deps: BlockStoreDeps;
  readonly #thread: BlockThread;
  /** By the first record's index. */
  readonly #stored = new Set<number>();
  #retryAtMs = 0;
  readonly #waiting = new Map<number, Waiting>();
  /** Used last comes last. */
  readonly #indexes = new Map<number, BlockIndex>();
  #indexChunks = 0;

  private constructor(deps: BlockStoreDeps) {
    this.#deps = deps;
    const { log, clock, logger } = deps;
    const onReport = (report: BlockReport) => this.#made(report);
    this.#thread = new BlockThread({ origin: log.origin, clock, logger, onReport });
  }

  static async open(deps: BlockStoreDeps): Promise<BlockStore> {
    await mkdir(deps.directory, { recursive: true, mode: 0o700 });
    const store = new BlockStore(deps);
    const names = await readdir(deps.directory);
    for (const name of names) {
      const match = BLOCK_NAME.exec(name);
      if (match) store.#stored.add(Number(match[1]));
      else if (name.endsWith(".new")) await rm(join(deps.directory, name), { force: true });
    }
    return store;
  }

  isStored(firstIndex: number): boolean {
    return this.#stored.has(firstIndex);
  }

  /** Orders the next block when there is one to be made, and lets blocks go whose segment is gone. */
  sweep(): void {
    const { segments } = this.#deps.log;
    for (const firstIndex of this.#stored) {
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
      blockPath: this.#pathOf(segment.fromIndex),
    });
  }

  /**
   * The camera's points of the metric in blocks of records before `beforeIndex`, by series. Waits for
   * blocks that are still to be made. Rejects with the signal's reason when it is aborted.
   */
  async points(wanted: Wanted, beforeIndex: number, signal: AbortSignal): Promise<Found> {
    const found: Found = new Map();
    const { segments } = this.#deps.log;
    for (const { firstIndex } of segments.slice(0, -1)) {
      if (firstIndex >= beforeIndex) break;
      signal.throwIfAborted();
      await this.#ask(firstIndex, signal, () => this.#collect(firstIndex, wanted, found));
    }
    return found;
  }

  /**
   * The metric over all cameras, from blocks. Waits for those of records before `beforeIndex`.
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
      if (firstIndex >= beforeIndex && !this.#stored.has(firstIndex)) missing.add(firstIndex);
      else
        await this.#ask(firstIndex, signal, async () =>
          addRollup(await this.#index(firstIndex), metric, rollup),
        );
    }
    return missing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
    for (const firstIndex of this.#waiting.keys()) this.#settle(firstIndex);
  }

  #pathOf(firstIndex: number): string {
    return join(this.#deps.directory, `${String(firstIndex).padStart(16, "0")}.block`);
  }

  #made(report: BlockReport): void {
    const { metrics, logger, clock } = this.#deps;
    if ("error" in report) {
      this.#retryAtMs = clock.monotonicMs() + RETRY_MS;
      metrics.blockFailures.inc();
      logger.error({ segment: report.firstIndex, reason: report.error }, "no block could be made");
      return;
    }
    this.#stored.add(report.firstIndex);
    metrics.blocks.inc();
    metrics.notInBlocks.inc(report.unreadable);
    if (report.unreadable > 0)
      logger.error({ segment: report.firstIndex, records: report.unreadable }, "unreadable");
    this.#settle(report.firstIndex);
    this.sweep();
  }

  async #drop(firstIndex: number): Promise<void> {
    this.#stored.delete(firstIndex);
    this.#forgetIndex(firstIndex);
    try {
      await rm(this.#pathOf(firstIndex), { force: true });
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

  /** Asks a block when it is there, and once more when it was damaged and had to be made again. */
  async #ask(firstIndex: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    await this.#whenStored(firstIndex, signal);
    if (await this.#orDamaged(firstIndex, work)) return;
    await this.#whenStored(firstIndex, signal);
    if (!(await this.#orDamaged(firstIndex, work)))
      throw new Error(`block ${firstIndex} is damaged again, as soon as it was made`);
  }

  /** @returns false when the block is damaged: it will be made again. `work` must then have had no effect. */
  async #orDamaged(firstIndex: number, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT" && !this.#stored.has(firstIndex)) return true; // retention has let it go
      if (!(error instanceof BlockDamaged) && systemCodeOf(error) !== "ENOENT") throw error;
      this.#deps.logger.error({ reason: messageOf(error) }, "a block is damaged: it is made again");
      await this.#drop(firstIndex);
      return false;
    }
  }

  async #collect(firstIndex: number, wanted: Wanted, found: Found): Promise<void> {
    const { chunks } = await this.#index(firstIndex);
    const asked = chunks.filter((chunk) => mayHold(chunk, wanted));
    if (asked.length === 0) return;
    for (const bytes of await readChunks(this.#pathOf(firstIndex), asked))
      collectChunk(bytes, wanted, found);
  }

  async #index(firstIndex: number): Promise<BlockIndex> {
    const known = this.#indexes.get(firstIndex);
    const index = known ?? (await readIndex(this.#pathOf(firstIndex)));
    if (this.#indexes.delete(firstIndex)) this.#indexChunks -= index.chunks.length;
    this.#indexes.set(firstIndex, index);
    this.#indexChunks += index.chunks.length;
    while (this.#indexChunks > INDEX_CHUNKS_MAX && this.#indexes.size > 1)
      this.#forgetIndex(this.#indexes.keys().next().value!);
    return index;
  }

  #forgetIndex(firstIndex: number): void {
    this.#indexChunks -= this.#indexes.get(firstIndex)?.chunks.length ?? 0;
    this.#indexes.delete(firstIndex);
  }
}

function mayHold(chunk: BlockChunk, { cameraId, from, to }: Wanted): boolean {
  const isCamera = chunk.firstCamera <= cameraId && cameraId <= chunk.lastCamera;
  return isCamera && chunk.leastTimeUnixNano < to && chunk.greatestTimeUnixNano >= from;
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

function collectChunk(
  bytes: Uint8Array,
  { cameraId, metric, from, to }: Wanted,
  found: Found,
): void {
  const { series, seriesIndex, timeUnixNano, value } = decodeBundle(bytes);
  const targets = series.map((one) => {
    if (one.cameraId !== cameraId || one.metric !== metric) return undefined;
    const id = seriesId(one);
    const known = found.get(id) ?? { series: one, points: [] };
    found.set(id, known);
    return known.points;
  });
  for (let at = 0; at < value.length; at++) {
    const points = targets[seriesIndex[at]!];
    if (!points) continue;
    const time = timeUnixNano[at]!;
    if (time >= from && time < to) points.push({ timeUnixNano: time, value: value[at]! });
  }
}
