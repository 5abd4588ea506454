/** One exporter: follows the log from its durable position and sends what it reads, in order, to its target. */
import { setImmediate as nextTurn } from "node:timers/promises";

import { backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";

import type { SignalName } from "../core/otlp-items.ts";
import { SIGNAL_NAMES } from "../core/otlp-items.ts";
import { RUN_SEGMENTS_MAX } from "../core/run-starts.ts";
import { catalogueBefore, runsFrom } from "../recovery.ts";
import type { TelemetryLog } from "../stores/telemetry-log.ts";
import { segmentOf } from "../stores/telemetry-log.ts";
import type { ExporterMetrics } from "./exporter-metrics.ts";
import type { IndexedRecord, Window } from "./log-follower.ts";
import { LogFollower } from "./log-follower.ts";
import type { PositionKeeper } from "./position-keeper.ts";
import type { Part } from "./record-converter.ts";
import { RecordConverter } from "./record-converter.ts";
import { RequestSender } from "./request-sender.ts";
import type { ExporterSettings } from "./settings.ts";
import type { Target } from "./target.ts";

export interface ExporterDeps {
  log: TelemetryLog;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: ExporterMetrics;
  target: Target;
  keeper: PositionKeeper;
}

/** A part is about as large at most; a request of OTLP that was received is passed on whole. */
const PART_MAX_BYTES = 1_048_576;
/** Receivers of others take 4 MiB. */
const REQUEST_MAX_BYTES = 2_097_152;
/** Records that are converted and sent together; one at least. */
const WINDOW_MAX_BYTES = 2_097_152;
/** Requests that are under way at a stop may end by themselves for so long. */
const GRACE_MS = 2_000;
const GAUGE_INTERVAL_MS = 1_000;
/** Conversion lets others work after so long. */
const TURN_MS = 10;

export class Exporter implements AsyncDisposable {
  readonly #settings: ExporterSettings;
  readonly #deps: ExporterDeps;
  readonly #stopping = new AbortController();
  readonly #stopped = new AbortController();
  readonly #sender: RequestSender;
  #converter = new RecordConverter(PART_MAX_BYTES);
  readonly #running: Promise<unknown>;
  /** When the oldest record arrived that is under way. */
  #oldestUnixNano: bigint | undefined;

  constructor(settings: ExporterSettings, deps: ExporterDeps) {
    this.#settings = settings;
    this.#deps = deps;
    const { name, retry } = settings;
    const [stopping, stopped] = [this.#stopping.signal, this.#stopped.signal];
    this.#sender = new RequestSender({ ...deps, name, retry, stopping, stopped });
    this.#running = this.#run();
    void every(deps.clock, GAUGE_INTERVAL_MS, stopping, () => this.#measure());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error("the exporter stops"));
    const cut = setTimeout(() => this.#stopped.abort(), GRACE_MS);
    await this.#running;
    clearTimeout(cut);
    await this.#deps.keeper[Symbol.asyncDispose]();
    this.#deps.target[Symbol.dispose]();
  }

  get #position(): number {
    const { positions } = this.#deps.keeper;
    return Math.min(...SIGNAL_NAMES.map((name) => positions[name]));
  }

  async #run(): Promise<void> {
    const { clock, random, logger } = this.#deps;
    const { signal } = this.#stopping;
    const wait = backoff({ firstMs: 1_000, maxMs: 30_000, random });
    while (!signal.aborted) {
      try {
        await this.#follow(() => wait.reset());
      } catch (error) {
        if (signal.aborted) return;
        const details = { exporter: this.#settings.name, error: messageOf(error) };
        logger.error(details, "the log cannot be read for export; it is tried again");
        await clock.sleep(wait.nextMs(), signal).catch(() => {});
      }
    }
  }

  /** From the position on, until something fails. */
  async #follow(works: () => void): Promise<void> {
    const follower = new LogFollower(this.#deps.log, this.#position + 1);
    this.#converter = new RecordConverter(PART_MAX_BYTES);
    if (this.#settings.signals.includes("metrics")) await this.#warmUp(follower.nextIndex);
    for (;;) {
      await this.#step(follower);
      works();
    }
  }

  /** Reads the batches on which those from the index on build, and what is known of cameras until there. */
  async #warmUp(nextIndex: number): Promise<void> {
    const { log } = this.#deps;
    if (nextIndex <= log.firstIndex) return;
    const segment = segmentOf(log, nextIndex);
    const catalogue = await catalogueBefore(log, segment);
    const between = log.segments.filter(
      ({ firstIndex }) => firstIndex > catalogue && firstIndex <= segment,
    );
    const from = await runsFrom(log, catalogue, between.length + RUN_SEGMENTS_MAX);
    for await (const { record } of this.#inTurns(log.read(from, nextIndex))) {
      try {
        this.#converter.warm(record);
      } catch {
        // Counted when a record that is to be exported builds on it.
      }
    }
  }

  async #step(follower: LogFollower): Promise<void> {
    const { log, clock } = this.#deps;
    const { signal } = this.#stopping;
    await log.reached(follower.nextIndex, signal);
    if (this.#settings.gatherMs > 0 && follower.nextIndex === log.nextIndex - 1)
      await clock.sleep(this.#settings.gatherMs, signal);
    const window = await follower.window(WINDOW_MAX_BYTES, signal);
    this.#oldestUnixNano = window.records[0]?.record.receivedUnixNano;
    this.#tellLost(window.lost);
    const parts = await this.#partsOf(window.records);
    // Signals do not wait for one another; within each, requests go one after another.
    const sent = await Promise.allSettled(
      SIGNAL_NAMES.map((name) => this.#sendAll(name, parts[name], window.endIndex - 1)),
    );
    for (const one of sent) if (one.status === "rejected") throw one.reason;
    this.#oldestUnixNano = undefined;
  }

  async #partsOf(records: Window["records"]): Promise<Record<SignalName, Part[]>> {
    const { positions } = this.#deps.keeper;
    const { signals, name } = this.#settings;
    const all: Record<SignalName, Part[]> = { metrics: [], traces: [], logs: [] };
    for await (const { index, record } of this.#inTurns(records)) {
      if (record.record.case === "batch" && !signals.includes("metrics")) continue;
      try {
        const found = this.#converter.convert(index, record);
        if (!found || !signals.includes(found.signal) || index <= positions[found.signal]) continue;
        for (const part of found.parts) all[found.signal].push(part);
      } catch {
        this.#deps.metrics.lost.inc({ exporter: name, reason: "unreadable" });
      }
    }
    return all;
  }

  async #sendAll(name: SignalName, parts: readonly Part[], endIndex: number): Promise<void> {
    const { keeper } = this.#deps;
    for (const request of requestsOf(parts)) {
      await this.#sender.settle(name, request);
      const whole = request.findLast(({ isLast }) => isLast);
      if (whole) keeper.advance(name, whole.index);
    }
    keeper.advance(name, endIndex);
  }

  async *#inTurns(
    records: Iterable<IndexedRecord> | AsyncIterable<IndexedRecord>,
  ): AsyncGenerator<IndexedRecord> {
    const { clock } = this.#deps;
    let beganMs = clock.monotonicMs();
    for await (const record of records) {
      this.#stopping.signal.throwIfAborted();
      yield record;
      if (clock.monotonicMs() - beganMs < TURN_MS) continue;
      await nextTurn();
      beganMs = clock.monotonicMs();
    }
  }

  #tellLost({ retention, unreadable }: Window["lost"]): void {
    const { logger, metrics } = this.#deps;
    const exporter = this.#settings.name;
    metrics.lost.inc({ exporter, reason: "retention" }, retention);
    metrics.lost.inc({ exporter, reason: "unreadable" }, unreadable);
    if (retention > 0)
      logger.error(
        { exporter, records: retention },
        "lost to retention: the log dropped records before the target had taken them",
      );
  }

  #measure(): void {
    const { log, clock, metrics } = this.#deps;
    const [exporter, position] = [this.#settings.name, this.#position];
    metrics.lagRecords.set({ exporter }, Math.max(0, log.nextIndex - 1 - position));
    metrics.lagBytes.set({ exporter }, bytesBehind(log, position));
    const ageNano = this.#oldestUnixNano && clock.nowUnixNano() - this.#oldestUnixNano;
    metrics.lagSeconds.set({ exporter }, ageNano ? Math.max(0, Number(ageNano) / 1e9) : 0);
  }
}

/** Parts in order, as many to a request as fit. */
function* requestsOf(parts: readonly Part[]): Generator<Part[]> {
  let [request, bytes] = [[] as Part[], 0];
  for (const part of parts) {
    if (request.length > 0 && bytes + part.body.length > REQUEST_MAX_BYTES) {
      yield request;
      [request, bytes] = [[], 0];
    }
    request.push(part);
    bytes += part.body.length;
  }
  if (request.length > 0) yield request;
}

/** Segments as a whole, and of that in which the position is, its share of the records. */
function bytesBehind({ segments, nextIndex }: TelemetryLog, position: number): number {
  let sum = 0;
  for (const [at, { firstIndex, bytes }] of segments.entries()) {
    const count = (segments[at + 1]?.firstIndex ?? nextIndex) - firstIndex;
    const behind = Math.min(count, firstIndex + count - 1 - position);
    if (behind > 0) sum += (bytes * behind) / count;
  }
  return Math.round(sum);
}
