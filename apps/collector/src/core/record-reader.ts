/** The points in records of the log, read one after another: batches build on those of their run. */
import { fromBinary } from "@bufbuild/protobuf";
import { BundleReader } from "@glassline/otqmn/bundle-reader";
import { CodecError } from "@glassline/otqmn/codec-error";
import type { Bundle, CameraFacts } from "@glassline/otqmn/sample";
import { wordsOf } from "@glassline/otqmn/words";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import type { LogRecord, StoredBatch } from "@glassline/proto/storage";

import { MetricsWalker } from "./otlp-walker.ts";
import { pointsOf } from "./otlp.ts";
import type { SeriesByNumber } from "./run-series.ts";
import { RunSeries, SharedQuantities } from "./run-series.ts";
import { RUN_SEGMENTS_MAX } from "./run-starts.ts";

/** What a record holds. Times are those of groups: positions up to `groupEnd`. */
export interface RecordPoints {
  /** Grows with the run: the same for all its batches. */
  series: SeriesByNumber;
  /** By position: number of the series. */
  column: Uint32Array;
  value: Float64Array;
  groupEnd: Uint32Array;
  /** Nanoseconds since 1970, two words a group, least first. */
  groupTime: Uint32Array;
  cameras: readonly CameraFacts[];
}

interface Run {
  keySeq: bigint;
  /** Read last. */
  seq: bigint;
  reader: BundleReader;
  series: RunSeries;
  /** Segments since something was read of it. */
  idleSegments: number;
}

/** A run of which so many segments hold nothing is not kept at hand. */
const IDLE_SEGMENTS_MAX = 2 * RUN_SEGMENTS_MAX;

/** The batch is built on one that was not read. */
export class RunMissing extends CodecError {
  override readonly name = "RunMissing";
}

export class RecordReader {
  /** By producer and incarnation. */
  readonly #runs = new Map<string, Run>();
  readonly #walker = new MetricsWalker();
  readonly #quantities = new SharedQuantities();

  /** Undefined when the record holds no points. Throws CodecError, or an error of protobuf, when it cannot be read. */
  read({ record }: LogRecord): RecordPoints | undefined {
    if (record.case === "batch") return this.#readBatch(record.value);
    if (record.case !== "otlpMetrics") return undefined;
    return this.#walker.walk(record.value) ?? decodeMetrics(record.value);
  }

  /** A segment ends here: runs that have been idle for long are let go. */
  endSegment(): void {
    for (const [key, run] of this.#runs)
      if (++run.idleSegments > IDLE_SEGMENTS_MAX) this.#runs.delete(key);
  }

  #readBatch({ producer, incarnation, seq, keySeq, payload }: StoredBatch): RecordPoints {
    const key = `${Buffer.from(incarnation).toString("hex")} ${producer}`;
    if (seq === keySeq) {
      const series = new RunSeries(this.#quantities);
      const fresh = { keySeq, seq: seq - 1n, reader: new BundleReader(), series };
      this.#runs.set(key, { ...fresh, idleSegments: 0 });
    }
    const run = this.#runs.get(key);
    if (!run || run.keySeq !== keySeq || run.seq !== seq - 1n)
      throw new RunMissing(`batch ${seq} of ${producer}: its run from ${keySeq} on was not read`);
    const { isAnew, newSeries, points, cameras } = run.reader.read(payload);
    if (isAnew !== (seq === keySeq))
      throw new CodecError(`batch ${seq} of ${producer}: key_seq ${keySeq} does not fit its bytes`);
    [run.seq, run.idleSegments] = [seq, 0];
    run.series.push(newSeries);
    return {
      series: run.series,
      column: points.column,
      value: points.floats,
      groupEnd: points.groupEnd,
      groupTime: points.groupTime,
      cameras,
    };
  }
}

function decodeMetrics(request: Uint8Array): RecordPoints {
  const { resourceMetrics } = fromBinary(ExportMetricsServiceRequestSchema, request);
  return grouped(pointsOf(resourceMetrics));
}

/** A bundle by itself as a record's points. */
export function grouped({
  series,
  seriesIndex,
  value,
  timeUnixNano,
  cameras,
}: Bundle): RecordPoints {
  return { series, cameras, column: seriesIndex, value, ...groupsOf(timeUnixNano) };
}

/** Points of one time that stand together are a group. */
function groupsOf(timeUnixNano: BigUint64Array): Pick<RecordPoints, "groupEnd" | "groupTime"> {
  const ends: number[] = [];
  for (let at = 1; at <= timeUnixNano.length; at++) {
    if (at === timeUnixNano.length || timeUnixNano[at] !== timeUnixNano[at - 1]) ends.push(at);
  }
  return {
    groupEnd: Uint32Array.from(ends),
    groupTime: wordsOf(BigUint64Array.from(ends, (end) => timeUnixNano[end - 1]!)),
  };
}
