/** Points that are no longer in memory, read back from the log. What was read of a closed segment is kept for a while. */
import type { Bundle } from "@glassline/otqmn/sample";
import { seriesId } from "@glassline/otqmn/sample";
import type { LogRecord } from "@glassline/proto/storage";
import type { Clock } from "@glassline/service/clock";

import type { Point } from "./core/recent-points.ts";
import { bundleOfRecord } from "./pipeline.ts";
import type { TelemetryLog } from "./stores/telemetry-log.ts";

const CACHE_MAX_BYTES = 67_108_864;
const BYTES_PER_CACHED_POINT = 64;
const BYTES_PER_ENTRY = 1_024;
const SEGMENTS_MAX = 512;
const OPEN_SEGMENT_FRESH_MS = 5_000;
/** A camera's clock may be so far ahead of the collector's. */
const CLOCK_SLACK_MS = 600_000;

/** All points of one camera in one segment, by the text that `seriesId` gives. */
type Extract = Map<string, Point[]>;

interface Entry {
  extract: Extract;
  bytes: number;
  firstReceivedMs: number;
}

export class History {
  readonly #log: TelemetryLog;
  readonly #clock: Clock;
  #cache = new Map<string, Promise<Entry>>();
  #cachedBytes = 0;

  constructor(log: TelemetryLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * All points of the camera that the log holds since about `fromMs`, by series, in order of arrival. Those of the last
   * seconds may be missing. Rejects with the signal's reason when it is aborted.
   */
  async points(
    cameraId: string,
    fromMs: number,
    signal: AbortSignal,
  ): Promise<Map<string, Point[]>> {
    const merged = new Map<string, Point[]>();
    for (const extract of await this.#extracts(cameraId, fromMs, signal)) {
      for (const [id, points] of extract) {
        const all = merged.get(id) ?? [];
        merged.set(id, all);
        for (const point of points) all.push(point);
      }
    }
    return merged;
  }

  /** Oldest first. */
  async #extracts(cameraId: string, fromMs: number, signal: AbortSignal): Promise<Extract[]> {
    const found: Extract[] = [];
    const segments = this.#log.segments.slice(-SEGMENTS_MAX);
    for (const [position, { firstIndex }] of [...segments.entries()].toReversed()) {
      signal.throwIfAborted();
      const endIndex = segments[position + 1]?.firstIndex;
      // The segment that is still written is read anew every few seconds, whoever asks.
      const version = endIndex ?? `open ${Math.floor(this.#clock.nowMs() / OPEN_SEGMENT_FRESH_MS)}`;
      const entry = await this.#cached(`${firstIndex} ${version} ${cameraId}`, () =>
        this.#scan(cameraId, firstIndex, endIndex),
      );
      found.unshift(entry.extract);
      if (entry.firstReceivedMs < fromMs - CLOCK_SLACK_MS) break;
    }
    return found;
  }

  async #cached(key: string, scan: () => Promise<Entry>): Promise<Entry> {
    const known = this.#cache.get(key);
    if (known) return known;
    const scanning = scan();
    this.#cache.set(key, scanning);
    const entry = await scanning.catch((error: unknown) => {
      this.#cache.delete(key);
      throw error;
    });
    this.#cachedBytes += entry.bytes;
    if (this.#cachedBytes > CACHE_MAX_BYTES) {
      this.#cache = new Map();
      this.#cachedBytes = 0;
    }
    return entry;
  }

  async #scan(cameraId: string, firstIndex: number, endIndex: number | undefined): Promise<Entry> {
    const extract: Extract = new Map();
    let firstReceivedMs = Number.POSITIVE_INFINITY;
    let count = 0;
    for await (const { record } of this.#log.read(firstIndex, endIndex)) {
      if (record.receivedUnixNano !== 0n)
        firstReceivedMs = Math.min(firstReceivedMs, Number(record.receivedUnixNano / 1_000_000n));
      count += extractInto(extract, cameraId, readable(record));
      // A long scan lets ingestion go on in between.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { extract, bytes: BYTES_PER_ENTRY + count * BYTES_PER_CACHED_POINT, firstReceivedMs };
  }
}

/** A record that cannot be read must not hide those beside it. */
function readable(record: LogRecord): Bundle | undefined {
  try {
    return bundleOfRecord(record);
  } catch {
    return undefined;
  }
}

function extractInto(extract: Extract, cameraId: string, bundle: Bundle | undefined): number {
  if (!bundle) return 0;
  const targets = bundle.series.map((series) => {
    if (series.cameraId !== cameraId) return undefined;
    const id = seriesId(series);
    const points = extract.get(id) ?? [];
    extract.set(id, points);
    return points;
  });
  let count = 0;
  for (const [at, index] of bundle.seriesIndex.entries()) {
    const points = targets[index];
    if (!points) continue;
    points.push({
      timeUnixNano: BigInt.asIntN(64, bundle.timeUnixNano[at]!),
      value: bundle.value[at]!,
    });
    count++;
  }
  return count;
}
