import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { CodecError } from "../bytes.ts";
import type { Bundle, Series } from "../sample.ts";
import { EMPTY_BUNDLE } from "../sample.ts";
import { STREAM_LIMITS } from "../stream-codec/limits.ts";
import { BundleReader } from "./bundle-reader.ts";
import { BundleWriter } from "./bundle-writer.ts";
import { decodeBundle, encodeBundle } from "./whole-bundle.ts";

const NOW = 1_790_000_000_000_000_000n;

const series: fc.Arbitrary<Series> = fc.record({
  cameraId: fc.constantFrom("cam-0001", "Kamera 2", ""),
  metric: fc.constantFrom("camera.imu.acceleration", "camera.gpmf.attr", "camera.frames", "a#b"),
  unit: fc.constantFrom("m/s2", ""),
  kind: fc.constantFrom("gauge", "counter", "state"),
  attributes: fc.dictionary(fc.constantFrom("component", "a#b", "é"), fc.string({ maxLength: 4 }), {
    noNullPrototype: true,
  }),
});
const bits = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.integer().map((whole) => new BigUint64Array(Float64Array.of(whole / 418).buffer)[0]!),
);
const bundle: fc.Arbitrary<Bundle> = fc
  .record({
    series: fc.array(series, { minLength: 1, maxLength: 5 }),
    samples: fc.array(
      fc.record({ index: fc.nat(), time: fc.bigInt({ min: NOW, max: NOW + 5n }), bits }),
      { maxLength: 30 },
    ),
    cameras: fc.array(
      fc.record({
        cameraId: fc.string(),
        attributes: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true, maxKeys: 3 }),
      }),
      { maxLength: 2 },
    ),
    traceContexts: fc.array(fc.uint8Array({ minLength: 29, maxLength: 29 }), { maxLength: 2 }),
  })
  .map(({ samples, ...rest }) => ({
    ...rest,
    seriesIndex: Uint32Array.from(samples, ({ index }) => index % rest.series.length),
    timeUnixNano: BigUint64Array.from(samples, ({ time }) => time),
    value: new Float64Array(BigUint64Array.from(samples, (sample) => sample.bits).buffer),
  }));

/** Samples with their series, in an order that does not depend on how they came. */
function samplesOf({ series, seriesIndex, timeUnixNano, value }: Bundle): string[] {
  const words = new BigUint64Array(value.buffer as ArrayBuffer, value.byteOffset, value.length);
  return Array.from(seriesIndex, (index, at) => {
    const { attributes, ...rest } = series[index]!;
    const sorted = Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify([
      rest.cameraId,
      rest.metric,
      rest.unit,
      rest.kind,
      sorted,
      String(timeUnixNano[at]),
      String(words[at]),
    ]);
  }).toSorted();
}

describe("bundles in a stream", () => {
  test("come back with every sample bit for bit, news about cameras and contexts of traces", () => {
    fc.assert(
      fc.property(fc.array(bundle, { maxLength: 6 }), fc.nat({ max: 5 }), (bundles, anew) => {
        const [writer, reader] = [new BundleWriter(), new BundleReader()];
        const [told, heard] = [new Map<string, object>(), new Map<string, object>()];
        bundles.forEach((each, at) => {
          if (at === anew) writer.beginAnew();
          const got = reader.decode(writer.encode(each));
          expect(samplesOf(got)).toEqual(samplesOf(each));
          expect(got.traceContexts).toEqual(each.traceContexts);
          for (const { cameraId, attributes } of each.cameras) told.set(cameraId, attributes);
          for (const { cameraId, attributes } of got.cameras) heard.set(cameraId, attributes);
          expect(heard).toEqual(told);
        });
      }),
      { numRuns: 300 },
    );
  });

  test("are read from a Buffer that is a part of a larger one", () => {
    const one = { cameraId: "c", metric: "m", unit: "", kind: "gauge", attributes: {} } as const;
    const bytes = encodeBundle({
      ...EMPTY_BUNDLE,
      series: [one],
      seriesIndex: new Uint32Array(100),
      timeUnixNano: new BigUint64Array(100).fill(NOW),
      value: Float64Array.from({ length: 100 }, (_, at) => Math.sqrt(at)),
    });
    for (let offset = 0; offset < 8; offset++) {
      const pooled = Buffer.concat([Buffer.alloc(offset, 1), bytes, Buffer.alloc(9, 1)]);
      const { value } = decodeBundle(pooled.subarray(offset, offset + bytes.length));
      expect(value[99]).toBe(Math.sqrt(99));
    }
  });

  test("by themselves may be larger than a batch where both sides say so; what the other would refuse is not written", () => {
    const many = Array.from({ length: 50_000 }, (_, at) => ({
      cameraId: `cam-${at}-${"x".repeat(90)}`,
      metric: "m",
      unit: "",
      kind: "gauge" as const,
      attributes: {},
    }));
    const large = {
      ...EMPTY_BUNDLE,
      series: many,
      seriesIndex: Uint32Array.from(many.keys()),
      timeUnixNano: new BigUint64Array(many.length).fill(NOW),
      value: new Float64Array(many.length),
    };
    expect(() => encodeBundle(large)).toThrow(/definitions: got \d+ bytes, expected at most/);
    const limits = { ...STREAM_LIMITS, batchMaxBytes: 12_582_912 };
    const { value } = decodeBundle(encodeBundle(large, limits), limits);
    expect(value).toHaveLength(many.length);
  });

  test("tell facts about a camera once, and again when they change", () => {
    const [writer, reader] = [new BundleWriter(), new BundleReader()];
    const of = (model: string): Bundle => ({
      ...EMPTY_BUNDLE,
      cameras: [{ cameraId: "cam-1", attributes: { model } }],
    });
    const heard = ["one", "one", "two"].map(
      (model) => reader.decode(writer.encode(of(model))).cameras.length,
    );
    expect(heard).toEqual([1, 0, 1]);
  });

  test("that are damaged, or of another kind of stream, are refused", () => {
    const bytes = new BundleWriter().encode({
      ...EMPTY_BUNDLE,
      cameras: [{ cameraId: "cam-1", attributes: { model: "HERO5" } }],
    });
    for (let length = 0; length < bytes.length; length++)
      expect(() => new BundleReader().decode(bytes.subarray(0, length))).toThrow(CodecError);
    expect(() => new BundleReader().decode(Uint8Array.of(...bytes, 0))).toThrow(/after its end/);
    const limits = { ...STREAM_LIMITS, batchMaxPoints: 1 };
    expect(() =>
      new BundleWriter({ limits }).encode({
        ...EMPTY_BUNDLE,
        series: [],
        seriesIndex: new Uint32Array(2),
        timeUnixNano: new BigUint64Array(2),
        value: new Float64Array(2),
      }),
    ).toThrow(/points of a batch: got 2, expected at most 1/);
  });
});
