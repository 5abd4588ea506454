import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { CodecError, DEFAULT_LIMITS, decodeBundle, encodeBundle } from "./codec.ts";
import type { Bundle, Series } from "./sample.ts";
import { EMPTY_BUNDLE } from "./sample.ts";

const series = (number: number): Series => ({
  cameraId: `cam-${number}`,
  metric: "camera.imu.acceleration",
  unit: "m/s2",
  kind: "gauge",
  attributes: { component: "x" },
});

const NANO = 1_000_000_000n;

function bundleOf(
  values: number[],
  times = values.map((_, at) => 1_790_000_000n * NANO + BigInt(at) * NANO),
): Bundle {
  return {
    ...EMPTY_BUNDLE,
    series: [series(0), series(1)],
    seriesIndex: Uint32Array.from(values, (_, at) => at % 2),
    timeUnixNano: BigUint64Array.from(times),
    value: Float64Array.from(values),
  };
}

/** The bits of the doubles, which NaN and -0 are told apart by. */
const bits = (value: Float64Array) => [
  ...new BigUint64Array(value.buffer, value.byteOffset, value.length),
];

describe("columns/1", () => {
  test("brings every part of a bundle back", () => {
    const bundle: Bundle = {
      ...bundleOf([1.5, -2.25, 3]),
      cameras: [{ cameraId: "cam-0", attributes: { "device.model.name": "HERO5 Black ✓" } }],
      traceContexts: [Uint8Array.from({ length: 29 }, (_, at) => at)],
    };
    expect(decodeBundle(encodeBundle(bundle))).toEqual(bundle);
    expect(decodeBundle(encodeBundle(EMPTY_BUNDLE))).toEqual(EMPTY_BUNDLE);
  });

  test("keeps every double bit for bit: -0, denormals, infinities and NaN payloads", () => {
    const value = new Float64Array(6);
    new BigUint64Array(value.buffer).set([
      0x8000000000000000n,
      0x0000000000000001n,
      0x7ff0000000000000n,
      0xfff0000000000000n,
      0x7ff8dead0000beefn,
      0xfff4000000000001n,
    ]);
    const bundle = { ...bundleOf([0, 0, 0, 0, 0, 0]), value };
    expect(bits(decodeBundle(encodeBundle(bundle)).value)).toEqual(bits(value));
  });

  test("any samples come back bit for bit", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), {
          maxLength: 50,
        }),
        (points) => {
          const bundle = bundleOf(
            points.map(([value]) => value),
            points.map(([, time]) => time),
          );
          const decoded = decodeBundle(encodeBundle(bundle));
          expect(bits(decoded.value)).toEqual(bits(bundle.value));
          expect(decoded.timeUnixNano).toEqual(bundle.timeUnixNano);
          expect(decoded.seriesIndex).toEqual(bundle.seriesIndex);
        },
      ),
    );
  });

  test("refuses bytes that lie, with an error that says what is wrong", () => {
    const bytes = encodeBundle(bundleOf([1, 2, 3, 4]));
    expect(() => decodeBundle(new Uint8Array(0))).toThrow("codec version: got no byte, expected 1");
    expect(() => decodeBundle(Uint8Array.of(9, 1, 2))).toThrow("codec version: got 9, expected 1");
    expect(() => decodeBundle(bytes.subarray(0, bytes.length - 3))).toThrow(CodecError);
    const tight = { ...DEFAULT_LIMITS, pointsMax: 3 };
    expect(() => decodeBundle(bytes, tight)).toThrow("points: got 4, expected at most 3");
    expect(() => decodeBundle(bytes, { ...DEFAULT_LIMITS, seriesMax: 1 })).toThrow(
      /expected at most/,
    );
  });

  test("a small message that would unpack to much more than the limit is refused", () => {
    const bomb = encodeBundle(bundleOf(Array.from({ length: 100_000 }, () => 0)));
    expect(bomb.length).toBeLessThan(10_000);
    expect(() => decodeBundle(bomb, { ...DEFAULT_LIMITS, batchMaxBytes: 20_000 })).toThrow(
      /not zstd of at most 80000 bytes/,
    );
  });

  test("any change of any byte is an error or another bundle, never a hang or another kind of throw", () => {
    const bytes = encodeBundle(bundleOf([1, 2, 3, 4, 5, 6]));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = bytes.slice();
        changed[at]! ^= change;
        try {
          decodeBundle(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });
});
