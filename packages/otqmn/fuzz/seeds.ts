/** Streams that are right, of all three kinds, for the fuzzer to change. Their definitions are not compressed, so that changes reach them. */
import { create } from "@bufbuild/protobuf";
import { Random } from "@glassline/bench/fleet-model";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";

import { BundleWriter } from "../src/bundle-codec/bundle-writer.ts";
import { MetricsWriter } from "../src/metrics-codec/metrics-writer.ts";
import type { Bundle, Series } from "../src/sample.ts";
import type { SeriesDefinition } from "../src/stream-codec/series-definition.ts";
import { StreamEncoder } from "../src/stream-codec/stream-encoder.ts";
import type { SubjectName } from "./subjects.ts";

const NOW = 1_790_000_000_000_000_000n;
const SECOND = 1_000_000_000n;
const BATCHES = 8;
const COLUMNS = 12;
const ODD = [-0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 51, -(2 ** 52), Number.MIN_VALUE];

export interface Seed {
  subject: SubjectName;
  batches: readonly Uint8Array[];
}

export function seedsOf(random: Random): Seed[] {
  return [0, 1, 2, 3].flatMap(() => [stream(random), bundles(random), metrics(random)]);
}

const below = (random: Random, count: number) => Math.floor(random.uniform() * count);

/** Of a column: steady, counting, decimal, noise or odd. */
function valueAt(column: number, tick: number, random: Random): number {
  switch (column % 6) {
    case 0:
      return column;
    case 1:
      return tick * 25 + below(random, 2);
    case 2:
      return (2_500 + below(random, 9)) / 100;
    case 3:
      return random.normal();
    case 4:
      return below(random, 3) * 4_096_000;
    default:
      return ODD[below(random, ODD.length)]!;
  }
}

function stream(random: Random): Seed {
  const encoder = new StreamEncoder({ compress: false });
  for (let at = 0; at < COLUMNS; at++) encoder.addSeries(definitionAt(at));
  const batches = Array.from({ length: BATCHES }, (_, tick) => {
    if (tick === 5) encoder.beginAnew();
    const column = Uint32Array.from({ length: COLUMNS * 3 }, (_unused, at) => at % COLUMNS);
    const shown = column.filter(() => random.uniform() < 0.8);
    const value = Float64Array.from(shown, (at) => valueAt(at, tick, random));
    return encoder.encode({
      count: shown.length,
      column: shown,
      timeUnixNano: BigUint64Array.from(
        shown,
        (at) => NOW + BigInt(tick) * SECOND + BigInt(at % 3) * 1_000n,
      ),
      bits: BigUint64Array.from(value, (each, at) =>
        definitionAt(shown[at]!).columns[0]!.type === "int" && Number.isSafeInteger(each)
          ? BigInt.asUintN(64, BigInt(each))
          : new BigUint64Array(Float64Array.of(each).buffer)[0]!,
      ),
    });
  });
  return { subject: "stream", batches };
}

function definitionAt(at: number): SeriesDefinition {
  const type = at % 4 === 1 ? "int" : "float";
  return { parts: [`quantity-${at % 5}`, `owner-${at % 3}`, "é"], columns: [{ type, field: 0 }] };
}

function bundles(random: Random): Seed {
  const writer = new BundleWriter({ compress: false });
  const series = Array.from({ length: COLUMNS }, (_, at): Series => ({
    cameraId: `cam-${at % 3}`,
    metric: at % 4 === 0 ? "camera.gpmf.scal" : `camera.quantity.${at}`,
    unit: "m/s2",
    kind: at % 5 === 1 ? "counter" : "gauge",
    attributes: at % 2 === 0 ? { component: "x" } : {},
  }));
  const batches = Array.from({ length: BATCHES }, (_, tick) => {
    if (tick === 5) writer.beginAnew();
    return writer.encode(bundleAt(series, tick, random));
  });
  return { subject: "bundle", batches };
}

function bundleAt(series: Series[], tick: number, random: Random): Bundle {
  const seriesIndex = Uint32Array.from(series.keys()).filter(() => random.uniform() < 0.8);
  return {
    series,
    seriesIndex,
    timeUnixNano: BigUint64Array.from(
      seriesIndex,
      (at) => NOW + BigInt(tick) * SECOND + BigInt(at % 3),
    ),
    value: Float64Array.from(seriesIndex, (at) => valueAt(at, tick, random)),
    cameras: [{ cameraId: `cam-${tick % 3}`, attributes: { model: `HERO${tick}` } }],
    traceContexts: tick % 2 === 0 ? [new Uint8Array(29).fill(tick)] : [],
  };
}

function metrics(random: Random): Seed {
  const writer = new MetricsWriter({ compress: false });
  const batches = Array.from({ length: BATCHES }, (_, tick) => {
    const timeUnixNano = NOW + BigInt(tick) * SECOND;
    const dataPoints = [0, 1, 2].map((at) => ({
      timeUnixNano,
      value: { case: "asDouble" as const, value: valueAt(at, tick, random) },
      attributes: [
        { key: "n", value: { value: { case: "intValue" as const, value: BigInt(at) } } },
      ],
    }));
    const histogram = {
      timeUnixNano,
      count: BigInt(tick),
      sum: random.normal(),
      bucketCounts: [1n, BigInt(tick)],
      explicitBounds: [1],
      flags: 1,
    };
    const kinds = [
      { name: "gauge", data: { case: "gauge" as const, value: { dataPoints } } },
      { name: "sum", data: { case: "sum" as const, value: { dataPoints, isMonotonic: true } } },
      { name: "h", data: { case: "histogram" as const, value: { dataPoints: [histogram] } } },
    ];
    const resourceMetrics = [{ scopeMetrics: [{ metrics: kinds }] }];
    return writer.encode(create(ExportMetricsServiceRequestSchema, { resourceMetrics }));
  });
  return { subject: "metrics", batches };
}
