/** The three readers as one kind of thing: what they read is written once more and read again, and must be the same. */
import { bigintsOf } from "../src/words.ts";
import { toBinary } from "@bufbuild/protobuf";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";

import { BundleReader } from "../src/bundle-codec/bundle-reader.ts";
import { BundleWriter } from "../src/bundle-codec/bundle-writer.ts";
import { MetricsReader } from "../src/metrics-codec/metrics-reader.ts";
import type { Bundle } from "../src/sample.ts";
import { seriesId } from "../src/sample.ts";
import type { StreamLimits } from "../src/stream-codec/limits.ts";
import type { GroupedPoints, SeriesDefinition } from "../src/stream-codec/series-definition.ts";
import { timesOf } from "../src/stream-codec/series-definition.ts";
import { StreamDecoder } from "../src/stream-codec/stream-decoder.ts";
import { StreamEncoder } from "../src/stream-codec/stream-encoder.ts";

export type SubjectName = "stream" | "bundle" | "metrics";

export interface Decoded {
  points: number;
  /** Undefined: written and read again, it is the same. */
  problem(): string | undefined;
}

/** Reads one batch. Throws CodecError. */
export type Read = (batch: Uint8Array) => Decoded;

export const SUBJECTS: Record<SubjectName, (limits: StreamLimits) => Read> = {
  stream: (limits) => {
    const decoder = new StreamDecoder(limits);
    return (batch) => {
      const points = decoder.decode(batch);
      return { points: points.count, problem: () => streamProblem(decoder, points, limits) };
    };
  },
  bundle: (limits) => {
    const reader = new BundleReader(limits);
    return (batch) => {
      const bundle = reader.decode(batch);
      return { points: bundle.value.length, problem: () => bundleProblem(bundle, limits) };
    };
  },
  metrics: (limits) => {
    const reader = new MetricsReader(limits);
    return (batch) => {
      const request = reader.decode(batch);
      return {
        points: request.resourceMetrics.length,
        // What is no request cannot be written.
        problem: () => void toBinary(ExportMetricsServiceRequestSchema, request),
      };
    };
  },
};

function streamProblem(
  decoder: StreamDecoder,
  points: GroupedPoints,
  limits: StreamLimits,
): string | undefined {
  const encoder = new StreamEncoder({ limits });
  const all = seriesOf(decoder);
  for (const definition of all) encoder.addSeries(definition);
  const again = new StreamDecoder(limits);
  const { count, column } = points;
  const bits = bigintsOf(points.floats);
  const read = again.decode(encoder.encode({ count, column, bits, timeUnixNano: timesOf(points) }));
  return difference(linesOf(points, all), linesOf(read, seriesOf(again)));
}

function seriesOf(decoder: StreamDecoder): SeriesDefinition[] {
  return Array.from({ length: decoder.seriesCount }, (_, number) => decoder.series(number));
}

/** In an order that does not depend on how points came. */
function linesOf(points: GroupedPoints, all: readonly SeriesDefinition[]): string[] {
  const names = all.flatMap(({ parts, columns }) =>
    columns.map(({ type, field }) => JSON.stringify([...parts, type, field])),
  );
  const [times, bits] = [timesOf(points), bigintsOf(points.floats)];
  return Array.from(
    points.column,
    (column, at) => `${names[column]} ${times[at]} ${bits[at]}`,
  ).toSorted();
}

function bundleProblem(bundle: Bundle, limits: StreamLimits): string | undefined {
  const read = new BundleReader(limits).decode(new BundleWriter({ limits }).encode(bundle));
  return difference(samplesOf(bundle), samplesOf(read)) ?? factsProblem(bundle, read);
}

function samplesOf({ series, seriesIndex, timeUnixNano, value }: Bundle): string[] {
  const bits = new BigUint64Array(value.buffer as ArrayBuffer, value.byteOffset, value.length);
  const ids = series.map((each) => `${seriesId(each)} ${each.unit} ${each.kind}`);
  return Array.from(
    seriesIndex,
    (index, at) => `${ids[index]} ${timeUnixNano[at]} ${bits[at]}`,
  ).toSorted();
}

function factsProblem(bundle: Bundle, read: Bundle): string | undefined {
  const facts = ({ cameras }: Bundle) => {
    const last = new Map(cameras.map(({ cameraId, attributes }) => [cameraId, attributes]));
    return [...last].map((each) => JSON.stringify(each)).toSorted();
  };
  const contexts = ({ traceContexts }: Bundle) => traceContexts.map(String);
  return difference(facts(bundle), facts(read)) ?? difference(contexts(bundle), contexts(read));
}

function difference(given: readonly string[], got: readonly string[]): string | undefined {
  const at = given.findIndex((line, index) => line !== got[index]);
  if (at >= 0) return `got ${got[at]}, expected ${given[at]}`;
  return got.length === given.length ? undefined : `got ${got.length} of ${given.length} lines`;
}
