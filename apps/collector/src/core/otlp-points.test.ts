import { fromBinary } from "@bufbuild/protobuf";
import type { Series } from "@glassline/otqmn/sample";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { itemsIn } from "./otlp-items.ts";
import { PointsEncoder } from "./otlp-points.ts";
import { pointsOf } from "./otlp.ts";
import { grouped } from "./record-reader.ts";

const seriesOf = (cameraId: string, metric: string, kind: Series["kind"] = "gauge"): Series => ({
  cameraId,
  metric,
  unit: "Cel",
  kind,
  attributes: metric === "bare" ? {} : { "sensor.id": "ä", empty: "" },
});

interface Sample {
  column: number;
  time: bigint;
  value: number;
}

function record(series: readonly Series[], samples: readonly Sample[]) {
  return grouped({
    series,
    cameras: [],
    traceContexts: [],
    seriesIndex: Uint32Array.from(samples, ({ column }) => column),
    timeUnixNano: BigUint64Array.from(samples, ({ time }) => time),
    value: Float64Array.from(samples, ({ value }) => value),
  });
}

function encode(...[points, partMaxBytes = 1_000_000]: [ReturnType<typeof record>, number?]) {
  const facts = (cameraId: string) => (cameraId === "a" ? { model: "HERO5" } : undefined);
  return [...new PointsEncoder().encode(points, facts, partMaxBytes)];
}

describe("points as OTLP", () => {
  test("have the camera's facts as resource, and their kind, unit, attributes and time", () => {
    const series = [seriesOf("a", "x"), seriesOf("a", "frames", "counter"), seriesOf("b", "bare")];
    const samples = [0, 1, 2].map((column) => ({ column, time: 7n, value: column + 0.5 }));
    const [{ body, points } = { body: new Uint8Array(), points: 0 }] = encode(
      record(series, samples),
    );
    expect(points).toBe(3);
    expect(itemsIn("metrics", body)).toBe(3);
    const { resourceMetrics } = fromBinary(ExportMetricsServiceRequestSchema, body);
    const [a, b] = resourceMetrics;
    expect(a!.resource!.attributes.map(({ key, value }) => [key, value!.value.value])).toEqual([
      ["model", "HERO5"],
      ["camera.id", "a"],
    ]);
    const [gauge, sum] = a!.scopeMetrics[0]!.metrics;
    expect(gauge).toMatchObject({ name: "x", unit: "Cel", data: { case: "gauge" } });
    expect(sum!.data).toMatchObject({
      case: "sum",
      value: { isMonotonic: true, aggregationTemporality: 2 },
    });
    const point = { timeUnixNano: 7n, value: { case: "asDouble", value: 2.5 }, attributes: [] };
    expect(b!.scopeMetrics[0]!.metrics[0]!.data.value).toMatchObject({ dataPoints: [point] });
  });

  test("keep every bit of a NaN", () => {
    const bits = 0x7ff0_0000_0000_0002n;
    const points = record([seriesOf("a", "x")], [{ column: 0, time: 1n, value: 0 }]);
    new BigUint64Array(points.value.buffer as ArrayBuffer)[0] = bits;
    const [part] = encode(points);
    const needle = Buffer.alloc(8);
    needle.writeBigUInt64LE(bits);
    expect(Buffer.from(part!.body).includes(needle)).toBe(true);
  });

  test("are the same when they are read again, in parts of any size, in the order of each series", () => {
    const kinds = fc.constantFrom<Series["kind"]>("gauge", "counter", "state");
    const series = fc.uniqueArray(
      fc
        .tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("x", "y", "bare"), kinds)
        .map(([cameraId, metric, kind]) => seriesOf(cameraId, metric, kind)),
      { minLength: 1, selector: ({ cameraId, metric }) => cameraId + metric },
    );
    const samples = (count: number) =>
      fc.array(
        fc.record({
          column: fc.nat(count - 1),
          time: fc.bigInt(0n, 2n ** 64n - 1n),
          value: fc.double(),
        }),
        { maxLength: 200 },
      );
    const cases = series.chain((all) => fc.tuple(fc.constant(all), samples(all.length)));
    fc.assert(
      fc.property(cases, fc.integer({ min: 100, max: 5_000 }), ([all, list], partMaxBytes) => {
        const parts = encode(record(all, list), partMaxBytes);
        expect(parts.reduce((sum, { points }) => sum + points, 0)).toBe(list.length);
        const texts = (of: readonly Series[], at: Iterable<[number, bigint, number]>) =>
          Array.from(at, ([column, time, value]) => {
            const { cameraId, metric, kind, attributes } = of[column]!;
            return JSON.stringify([
              cameraId,
              metric,
              kind === "counter",
              Object.entries(attributes).toSorted(),
              String(time),
              Object.is(value, -0) ? "-0" : String(value),
            ]);
          });
        const read = parts.flatMap(({ body }) => {
          const message = fromBinary(ExportMetricsServiceRequestSchema, body);
          const bundle = pointsOf(message.resourceMetrics);
          return texts(
            bundle.series,
            Array.from(bundle.seriesIndex, (one, at) => [
              one,
              bundle.timeUnixNano[at]!,
              bundle.value[at]!,
            ]),
          );
        });
        const sent = texts(
          all,
          list.map(({ column, time, value }) => [column, time, value]),
        );
        const stable = (lines: string[]) =>
          Object.entries(
            Object.groupBy(lines, (line) => JSON.parse(line).slice(0, 2).join(" ")),
          ).toSorted(([a], [b]) => (a < b ? -1 : 1));
        expect(stable(read)).toEqual(stable(sent));
      }),
    );
  });
});
