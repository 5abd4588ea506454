import { bigintsOf } from "@glassline/otqmn/words";
import { create, toBinary } from "@bufbuild/protobuf";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { acceptMetrics } from "./otlp-accept.ts";
import { MetricsWalker } from "./otlp-walker.ts";
import { pointsOf } from "./otlp.ts";
import type { RecordPoints } from "./record-reader.ts";
import { grouped } from "./record-reader.ts";

const text = fc.constantFrom("", "a", "camera.frames", "Größe", "x".repeat(200));
const attributes = fc.array(
  fc.record({
    key: text,
    value: fc.oneof(
      text.map((value) => ({ value: { case: "stringValue" as const, value } })),
      fc.boolean().map((value) => ({ value: { case: "boolValue" as const, value } })),
      fc.constant(undefined),
    ),
  }),
  { maxLength: 3 },
);
const value = fc.oneof(
  fc.double().map((one) => ({ case: "asDouble" as const, value: one })),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((one) => ({ case: "asInt" as const, value: one })),
);
const time = fc.constantFrom(0n, 1n, 2n ** 32n, 1_790_000_000_000_000_000n, 2n ** 64n - 1n);
const point = fc.record({
  attributes,
  startTimeUnixNano: time,
  timeUnixNano: time,
  value: fc.oneof({ weight: 9, arbitrary: value }, fc.constant({ case: undefined })),
  flags: fc.constantFrom(0, 0, 1, 300),
});
const points = { dataPoints: fc.array(point, { maxLength: 4 }) };
const metric = fc.record({
  name: fc.constantFrom("camera.frames", "m", "m", ""),
  description: text,
  unit: text,
  data: fc.oneof(
    fc.record(points).map((gauge) => ({ case: "gauge" as const, value: gauge })),
    fc
      .record({
        ...points,
        isMonotonic: fc.boolean(),
        aggregationTemporality: fc.constantFrom(0, 1, 2),
      })
      .map((sum) => ({ case: "sum" as const, value: sum })),
  ),
});
const request = fc
  .record({
    resourceMetrics: fc.array(
      fc.record({
        resource: fc.oneof(fc.record({ attributes }), fc.constant(undefined)),
        scopeMetrics: fc.array(
          fc.record({
            scope: fc.constantFrom(undefined, { name: "s", version: "1" }),
            metrics: fc.array(metric, { maxLength: 3 }),
            schemaUrl: text,
          }),
          { maxLength: 2 },
        ),
        schemaUrl: text,
      }),
      { maxLength: 3 },
    ),
  })
  .map((init) =>
    toBinary(
      ExportMetricsServiceRequestSchema,
      create(ExportMetricsServiceRequestSchema, init as never),
    ),
  );

/** Points with their series, in order. */
function shown({ series, column, value, groupEnd, groupTime }: RecordPoints): unknown[] {
  const bits = new BigUint64Array(value.buffer, value.byteOffset, value.length);
  return Array.from(column, (one, at) => {
    const group = groupEnd.findIndex((end) => at < end);
    return [JSON.stringify(series.at(one)), bigintsOf(groupTime)[group], bits[at]];
  });
}

describe("points straight from the bytes", () => {
  test("are those that the decoder finds, whatever came before; what has to be refused is left to it", () => {
    const walker = new MetricsWalker();
    let walked = 0;
    fc.assert(
      fc.property(request, (bytes) => {
        const found = walker.walk(bytes);
        const { message, rejections } = acceptMetrics(bytes);
        if (rejections.total > 0) expect(found).toBeUndefined();
        if (!found) return;
        walked++;
        expect(shown(found)).toEqual(shown(grouped(pointsOf(message.resourceMetrics))));
      }),
      { numRuns: 1_000 },
    );
    expect(walked).toBeGreaterThan(100);
  });

  test("of bytes that are not a request are none, when the decoder refuses them", () => {
    const walker = new MetricsWalker();
    fc.assert(
      fc.property(request, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (bytes, at, to, cut) => {
        const damaged = Uint8Array.from(bytes);
        if (bytes.length > 0) damaged[at % bytes.length] = to;
        const part = cut ? damaged.subarray(0, at % (bytes.length + 1)) : damaged;
        const found = walker.walk(part);
        if (!found) return;
        const { message, rejections } = acceptMetrics(part);
        expect(rejections.total).toBe(0);
        expect(shown(found)).toEqual(shown(grouped(pointsOf(message.resourceMetrics))));
      }),
      { numRuns: 3_000 },
    );
  });

  test("tell facts about a resource once, and number its series the same from request to request", () => {
    const walker = new MetricsWalker();
    const attribute = (key: string, text_: string) => ({
      key,
      value: { value: { case: "stringValue" as const, value: text_ } },
    });
    const bytes = toBinary(
      ExportMetricsServiceRequestSchema,
      create(ExportMetricsServiceRequestSchema, {
        resourceMetrics: [
          {
            resource: { attributes: [attribute("camera.id", "cam-1"), attribute("model", "X")] },
            scopeMetrics: [
              {
                metrics: ["a", "b"].map((name) => ({
                  name,
                  data: {
                    case: "gauge" as const,
                    value: {
                      dataPoints: [
                        { timeUnixNano: 5n, value: { case: "asDouble" as const, value: 1.5 } },
                      ],
                    },
                  },
                })),
              },
            ],
          },
        ],
      }),
    );
    const [first, second] = [walker.walk(bytes)!, walker.walk(bytes)!];
    expect(first.cameras).toEqual([
      { cameraId: "cam-1", attributes: { "camera.id": "cam-1", model: "X" } },
    ]);
    expect(second.cameras).toEqual([]);
    expect(second.series).toBe(first.series);
    expect([...second.column]).toEqual([0, 1]);
    expect([...second.groupEnd]).toEqual([2]);
    expect([0, 1].map((number) => first.series.at(number)?.metric)).toEqual(["a", "b"]);
  });
});
