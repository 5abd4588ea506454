import { bigintsOf } from "../words.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { CodecError } from "../bytes.ts";
import type { StreamLimits } from "./limits.ts";
import { STREAM_LIMITS } from "./limits.ts";
import type { Points, SeriesDefinition } from "./series-definition.ts";
import { timesOf } from "./series-definition.ts";
import { StreamDecoder } from "./stream-decoder.ts";
import { StreamEncoder } from "./stream-encoder.ts";

interface Point {
  column: number;
  time: bigint;
  bits: bigint;
}

const SERIES: SeriesDefinition[] = Array.from({ length: 8 }, (_, index) => ({
  parts: [`quantity-${index % 3}`, `owner-${index % 2}`, `é${index}`],
  columns: Array.from({ length: 1 + (index % 2) }, (_, field) => ({
    type: index % 3 === 0 ? ("int" as const) : ("float" as const),
    field,
  })),
}));
const COLUMNS = SERIES.flatMap(({ columns }) => columns).length;
const NOW = 1_790_000_000_000_000_000n;

const bitsOf = (value: number) => new BigUint64Array(Float64Array.of(value).buffer)[0]!;

function pointsOf(points: readonly Point[]): Points {
  return {
    count: points.length,
    column: Uint32Array.from(points, ({ column }) => column),
    timeUnixNano: BigUint64Array.from(points, ({ time }) => time),
    bits: BigUint64Array.from(points, ({ bits }) => bits),
  };
}

/** Points in an order that does not depend on how they came. */
function listOf({ count, column, timeUnixNano, bits }: Points, decoder?: StreamDecoder): string[] {
  const names = decoder && namesIn(decoder);
  return Array.from({ length: count }, (_, at) => {
    const name = names ? names[column[at]!] : NAMES[column[at]!];
    return `${name} ${timeUnixNano[at]} ${bits[at]}`;
  }).toSorted();
}

const nameOf = ({ parts, columns }: SeriesDefinition) =>
  columns.map(({ type, field }) => `${parts.join("/")} ${type} ${field}`);
const NAMES = SERIES.flatMap(nameOf);
const namesIn = (decoder: StreamDecoder) =>
  Array.from({ length: decoder.seriesCount }, (_, series) => nameOf(decoder.series(series))).flat();

function openStream(limits: StreamLimits = STREAM_LIMITS) {
  const encoder = new StreamEncoder({ limits });
  for (const definition of SERIES) encoder.addSeries(definition);
  const decoder = new StreamDecoder(limits);
  const pass = (points: readonly Point[]) => {
    const got = decoder.decode(encoder.encode(pointsOf(points)));
    expect(
      listOf({ ...got, timeUnixNano: timesOf(got), bits: bigintsOf(got.floats) }, decoder),
    ).toEqual(listOf(pointsOf(points)));
  };
  return { encoder, decoder, pass };
}

const special = fc.constantFrom(
  bitsOf(-0),
  bitsOf(Number.POSITIVE_INFINITY),
  bitsOf(Number.NEGATIVE_INFINITY),
  0x7ff8_0000_0000_1234n,
  0xfff0_0000_0000_0001n,
  bitsOf(Number.MIN_VALUE),
  bitsOf(Number.MAX_VALUE),
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
);
/** About as large as a whole number may be. */
const large = fc
  .tuple(fc.integer({ min: 49, max: 54 }), fc.integer({ min: -3, max: 3 }))
  .map(([power, more]) => 2 ** power + more);
const bits = fc.oneof(
  special,
  large.map(bitsOf),
  large.map((whole) => BigInt.asUintN(64, -BigInt(whole))),
  fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  fc.double().map(bitsOf),
  fc.integer({ min: -50, max: 50 }).map((whole) => bitsOf(whole / 100)),
  fc.integer({ min: -50, max: 50 }).map((whole) => BigInt.asUintN(64, BigInt(whole))),
  fc.integer({ min: 0, max: 90 }).map((whole) => bitsOf(whole / 2_048)),
  fc.integer({ min: 0, max: 90 }).map((whole) => BigInt(whole * 4_096)),
);
const time = fc.oneof(
  fc.integer({ min: -5, max: 5 }).map((step) => NOW + BigInt(step) * 1_000_000_000n),
  fc.integer({ min: -5, max: 500 }).map((step) => NOW + BigInt(step) * 1_000n),
  fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
);
const point = fc.record({ column: fc.nat({ max: COLUMNS - 1 }), time, bits });
const batches = fc.array(
  fc.record({ points: fc.array(point, { maxLength: 30 }), beginsAnew: fc.boolean() }),
  { maxLength: 12 },
);

/** So many columns of one quantity that a reader looks symbols up. */
const MANY: SeriesDefinition = {
  parts: ["quantity", "owner"],
  columns: Array.from({ length: 40 }, () => ({ type: "float" as const, field: 0 })),
};
/** Around each size from which on differences are written otherwise, and few, so that they come again. */
const edge = fc
  .tuple(fc.constantFrom(0, 16, 28, 32, 64, 2 ** 25, 2 ** 30), fc.integer({ min: -1, max: 1 }))
  .chain(([size, more]) => fc.constantFrom(size + more, -size - more));
const manyTicks = fc.array(edge, { minLength: 1, maxLength: 6 }).chain((some) =>
  fc.array(
    fc.array(fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, fc.constantFrom(...some)), {
      minLength: MANY.columns.length,
      maxLength: MANY.columns.length,
    }),
    { minLength: 2, maxLength: 12 },
  ),
);

describe("a stream", () => {
  test("gives back whatever was written, bit for bit", () => {
    fc.assert(
      fc.property(batches, (all) => {
        const { encoder, pass } = openStream();
        for (const { points, beginsAnew } of all) {
          if (beginsAnew) encoder.beginAnew();
          pass(points);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("gives back long runs of one quantity, whatever the differences", () => {
    fc.assert(
      fc.property(manyTicks, fc.constantFrom(1, 100, 1 / 4_096), (ticks, divisor) => {
        const encoder = new StreamEncoder();
        encoder.addSeries(MANY);
        const decoder = new StreamDecoder();
        const wholes = MANY.columns.map(() => 0);
        for (const [tick, differences] of ticks.entries()) {
          wholes.forEach((_, at) => (wholes[at]! += differences[at]!));
          const points = wholes.map((whole, column) => ({
            column,
            time: NOW + BigInt(tick),
            bits: bitsOf(whole / divisor),
          }));
          const got = decoder.decode(encoder.encode(pointsOf(points)));
          expect([...got.floats.subarray(0, got.count)]).toEqual(
            wholes.map((whole) => whole / divisor),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  test("goes on over the largest whole numbers, one by one", () => {
    const { pass } = openStream();
    for (let power = 49; power <= 54; power++) {
      for (const sign of [1, -1]) {
        for (let more = -6; more <= 6; more += 2) {
          const value = sign * (2 ** power + more);
          const time = NOW + BigInt(power * 100 + more);
          pass(
            SERIES.flatMap(({ columns }) => columns).map(({ type }, column) => ({
              column,
              time,
              bits: type === "int" ? BigInt.asUintN(64, BigInt(value)) : bitsOf(value),
            })),
          );
        }
      }
    }
  });

  test("costs little where little is new", () => {
    const { encoder, decoder } = openStream();
    const sizes = Array.from({ length: 100 }, (_, tick) => {
      const points = Array.from({ length: COLUMNS }, (_, column) => ({
        column,
        time: NOW + BigInt(tick) * 1_000_000_000n,
        bits: bitsOf(column),
      }));
      const bytes = encoder.encode(pointsOf(points));
      expect(decoder.decode(bytes).count).toBe(COLUMNS);
      return bytes.length;
    });
    expect(sizes[0]).toBeGreaterThan(50);
    expect(sizes.at(-1)).toBeLessThan(10);
  });

  test("can be read from a key batch on, and not before", () => {
    const { encoder } = openStream();
    const points = pointsOf([{ column: 1, time: NOW, bits: 1n }]);
    encoder.encode(points);
    const second = encoder.encode(points);
    encoder.beginAnew();
    const third = encoder.encode(points);
    expect(() => new StreamDecoder().decode(second)).toThrow(/none that can be read by itself/);
    expect(bigintsOf(new StreamDecoder().decode(third).floats)[0]).toBe(1n);
  });

  test("is at its end after a batch that was refused", () => {
    const { encoder, decoder } = openStream();
    const bytes = encoder.encode(pointsOf([{ column: 1, time: NOW, bits: 1n }]));
    expect(() => decoder.decode(bytes.subarray(0, -1))).toThrow(CodecError);
    expect(() => decoder.decode(bytes)).toThrow(/behind one that was refused/);
  });
});

describe("a hostile peer", () => {
  /** Some batches of a real stream, which are then damaged. */
  const stream = () => {
    const { encoder } = openStream();
    return Array.from({ length: 6 }, (_, tick) =>
      encoder.encode(
        pointsOf(
          Array.from({ length: COLUMNS }, (_, column) => ({
            column,
            time: NOW + BigInt(tick * 1_000_000_000 + column),
            bits: bitsOf(Math.sin(tick * column) * 10 ** (column % 5)),
          })),
        ),
      ),
    );
  };
  const small: StreamLimits = { ...STREAM_LIMITS, batchMaxPoints: 5_000, columnsMax: 5_000 };

  test("gets an error or another batch for damaged bytes, and nothing worse", () => {
    const batches = stream();
    const damage = fc.array(
      fc.record({ batch: fc.nat({ max: 5 }), at: fc.nat(), value: fc.nat({ max: 255 }) }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(damage, fc.option(fc.nat({ max: 200 })), (changes, cut) => {
        const decoder = new StreamDecoder(small);
        const damaged = batches.map((bytes) => Uint8Array.from(bytes));
        for (const { batch, at, value } of changes)
          damaged[batch]![at % damaged[batch]!.length] = value;
        if (cut !== null) damaged[5] = damaged[5]!.subarray(0, cut);
        for (const bytes of damaged) expectErrorOrPoints(decoder, bytes, small);
      }),
      { numRuns: 2_000 },
    );
  });

  test("gets an error for bytes that are none of ours", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expectErrorOrPoints(new StreamDecoder(small), bytes, small);
        const key = Uint8Array.of(3, ...bytes);
        expectErrorOrPoints(new StreamDecoder(small), key, small);
      }),
      { numRuns: 2_000 },
    );
  });

  test("cannot make the receiver keep more than was agreed upon", () => {
    const limits = {
      ...STREAM_LIMITS,
      columnsMax: 6,
      shapesMax: 2,
      batchMaxPoints: 9,
    };
    const used = (count: number) =>
      Array.from({ length: count }, (_, column) => ({ column, time: NOW, bits: 0n }));
    const { encoder } = openStream();
    const read = (points: Point[]) =>
      new StreamDecoder(limits).decode(encoder.encode(pointsOf(points)));
    const refused = (points: Point[]) => {
      encoder.beginAnew();
      return expect(() => read(points));
    };
    refused(used(12)).toThrow(/columns since the key batch: got \d+, expected at most 6/);
    refused([
      { column: 0, time: NOW, bits: 0n },
      { column: 0, time: NOW + 1n, bits: 0n },
      { column: 1, time: NOW, bits: 0n },
      { column: 1, time: NOW + 1n, bits: 0n },
      { column: 2, time: NOW, bits: 0n },
    ]).toThrow(/shapes since the key batch: got 3, expected at most 2/);
    refused(
      Array.from({ length: 18 }, (_, at) => ({ column: 0, time: NOW + BigInt(at), bits: 0n })),
    ).toThrow(/expected 0 to 9|more than 9/);
  });
});

function expectErrorOrPoints(
  decoder: StreamDecoder,
  bytes: Uint8Array,
  limits: StreamLimits,
): void {
  try {
    expect(decoder.decode(bytes).count).toBeLessThanOrEqual(limits.batchMaxPoints);
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
  }
}
