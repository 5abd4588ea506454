/** Streams written by chance: whatever differences their values have, a reader gets what the writer was given. */
import type { Random } from "@glassline/bench/fleet-model";

import type { Points, SeriesDefinition } from "../src/stream-codec/series-definition.ts";
import { timesOf } from "../src/stream-codec/series-definition.ts";
import { StreamDecoder } from "../src/stream-codec/stream-decoder.ts";
import { StreamEncoder } from "../src/stream-codec/stream-encoder.ts";
import { bigintsOf } from "../src/words.ts";

const NOW = 1_790_000_000_000_000_000n;
const BATCHES_MAX = 30;
/** From each of these sizes on, something is written otherwise. */
const SIZES = [0, 1, 16, 28, 32, 64, 4_096, 2 ** 25, 2 ** 30, 2 ** 31, 2 ** 51, 2 ** 52];
/** Values that are no whole multiples of anything. */
const ODD = [-0, Number.NaN, Number.POSITIVE_INFINITY, Math.PI, 2 ** 53, Number.MIN_VALUE];
const WAYS = ["walks", "steps", "jumps"] as const;

/** How the values of one quantity change. */
interface Quantity {
  type: "int" | "float";
  way: (typeof WAYS)[number];
  divisor: number;
  differences: number[];
  /** How often there is one. */
  busy: number;
  odd: number;
}

/** @returns what was read otherwise; undefined when nothing was. */
export function problemOfWritten(random: Random): string | undefined {
  const quantities = Array.from({ length: 1 + below(random, 3) }, () => quantityOf(random));
  const owners = oneOf(random, [1, 10, 40, 100]);
  const columns = quantities.flatMap((quantity) => Array.from({ length: owners }, () => quantity));
  const encoder = new StreamEncoder();
  const decoder = new StreamDecoder();
  for (const [at, { type }] of columns.entries()) encoder.addSeries(definitionOf(at, owners, type));
  const wholes = columns.map(() => below(random, 1_000));
  for (let batch = below(random, BATCHES_MAX); batch >= 0; batch--) {
    if (random.uniform() < 0.05) encoder.beginAnew();
    for (const quantity of quantities) if (random.uniform() < 0.1) changeWay(quantity, random);
    const points = pointsOf(columns, wholes, random);
    try {
      const problem = differenceOf(points, decoder, encoder.encode(points));
      if (problem) return problem;
    } catch (error) {
      return (error as Error).message;
    }
  }
  return undefined;
}

function quantityOf(random: Random): Quantity {
  const type = random.uniform() < 0.25 ? "int" : "float";
  const divisor = type === "int" ? 1 : oneOf(random, [1, 10, 1_000, 2_048, 3, 1 / 4_096]);
  const odd = oneOf(random, [0, 0, 0, 0.01, 0.3]);
  const quantity: Quantity = { type, way: "walks", divisor, odd, differences: [], busy: 0 };
  changeWay(quantity, random);
  return quantity;
}

function changeWay(quantity: Quantity, random: Random): void {
  quantity.way = oneOf(random, WAYS);
  quantity.busy = oneOf(random, [0.02, 0.2, 1]);
  quantity.differences = Array.from({ length: 1 + below(random, 8) }, () => {
    const size = oneOf(random, SIZES) + below(random, 3) - 1;
    return random.uniform() < 0.5 ? size : -size;
  });
}

/** One point a column, but for some that are left out now and then. */
function pointsOf(columns: readonly Quantity[], wholes: number[], random: Random): Points {
  const share = random.uniform() < 0.2 ? random.uniform() : 1;
  const column: number[] = [];
  const bits: bigint[] = [];
  for (const [at, quantity] of columns.entries()) {
    if (random.uniform() > share) continue;
    const whole = (wholes[at] = nextWhole(wholes[at]!, quantity, random));
    column.push(at);
    bits.push(bitsOf(whole, quantity, random));
  }
  const time = NOW + BigInt(below(random, 1_000_000));
  return {
    count: column.length,
    column: Uint32Array.from(column),
    timeUnixNano: new BigUint64Array(column.length).fill(time),
    bits: BigUint64Array.from(bits),
  };
}

function nextWhole(whole: number, { way, differences, busy }: Quantity, random: Random): number {
  const isBusy = random.uniform() < busy;
  const difference = isBusy ? oneOf(random, differences) : 0;
  const next =
    way === "jumps" ? difference : whole + difference + (way === "steps" ? differences[0]! : 0);
  return Math.abs(next) < 2 ** 53 ? next : 0;
}

function bitsOf(whole: number, { type, divisor, odd }: Quantity, random: Random): bigint {
  if (type === "int") return BigInt.asUintN(64, BigInt(whole));
  const value = random.uniform() < odd ? oneOf(random, ODD) : whole / divisor;
  return bigintsOf(Float64Array.of(value))[0]!;
}

function differenceOf(
  given: Points,
  decoder: StreamDecoder,
  bytes: Uint8Array,
): string | undefined {
  const read = decoder.decode(bytes);
  const bits = bigintsOf(read.floats);
  const times = timesOf(read);
  // Series are numbered in the order in which they were used first.
  const columnOf = new Map<number, number>();
  for (let series = 0; series < decoder.seriesCount; series++) {
    const { firstColumn, parts } = decoder.series(series);
    columnOf.set(firstColumn, Number(parts[1]));
  }
  const got = Array.from(
    read.column,
    (each, at) => `${columnOf.get(each)} ${times[at]} ${bits[at]}`,
  );
  const want = Array.from(
    given.column,
    (each, at) => `${each} ${given.timeUnixNano[at]} ${given.bits[at]}`,
  );
  const gotSet = new Set(got);
  const missed = want.find((line) => !gotSet.has(line));
  if (missed !== undefined) return `written and not read: column, time and bits ${missed}`;
  return got.length === want.length ? undefined : `got ${got.length} of ${want.length} points`;
}

const definitionOf = (at: number, owners: number, type: Quantity["type"]): SeriesDefinition => ({
  parts: [`quantity-${Math.floor(at / owners)}`, String(at)],
  columns: [{ type, field: 0 }],
});

const below = (random: Random, count: number) => Math.floor(random.uniform() * count);
const oneOf = <T>(random: Random, all: readonly T[]): T => all[below(random, all.length)]!;
