/**
 * Doubles as whole numbers: value = whole * multiplier / divisor, exactly. Decimals, fixed-point numbers of sensors (whole / scale) and
 * multiples of a page size all are; the search is the writer's, the reader only applies what it is told.
 */

export interface Scale {
  multiplier: number;
  divisor: number;
}

export const NO_SCALE: Scale = { multiplier: 1, divisor: 1 };
/** Of divisors and multipliers. */
export const SCALE_BITS = 41;
const SCALE_MAX = 2 ** 40;
/** Values that share a factor by chance: each further one makes it less likely by as much as the factor. */
const EVIDENCE_BITS = 48;
const SAMPLES_MAX = 64;
const FACTOR_LEAST = 8;
const DECIMALS = [1, 10, 100, 1_000, 10_000, 100_000, 1e6];
/** Many digits are rather those of a fraction. */
const LONG_DECIMALS = [1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
/** Larger denominators fit any double: they say nothing. */
const DENOMINATOR_MAX = 1_048_576;
export const WHOLE_MAX = 2 ** 51;

/** NaN when the value is not a whole multiple (so -0, infinities and NaN). */
export function wholeOf(value: number, { multiplier, divisor }: Scale): number {
  const whole = Math.round((value * divisor) / multiplier);
  return Object.is((whole * multiplier) / divisor, value) && Math.abs(whole) <= WHOLE_MAX
    ? whole
    : Number.NaN;
}

/** A scale by which most of the values are whole numbers; undefined when there is none. */
export function findScale(values: readonly number[]): Scale | undefined {
  const finite = values.filter((value) => Number.isFinite(value) && !Object.is(value, -0));
  if (finite.length === 0) return undefined;
  const fitting = (divisor: number) => fits(finite, { multiplier: 1, divisor });
  const divisor =
    DECIMALS.find(fitting) ?? commonDenominator(finite) ?? LONG_DECIMALS.find(fitting);
  if (divisor === undefined) return undefined;
  return { multiplier: commonFactor(finite.map((value) => Math.round(value * divisor))), divisor };
}

/** Greatest common factor of whole numbers; 1 when it is small or may be by chance. */
export function commonFactor(wholes: ArrayLike<number>): number {
  let factor = 0;
  const distinct = new Set<number>();
  for (let at = 0; at < wholes.length; at++) {
    const whole = Math.abs(wholes[at]!);
    if (whole === 0 || Number.isNaN(whole)) continue;
    factor = commonDivisor(whole, factor);
    if (factor < FACTOR_LEAST) return 1;
    if (distinct.size < SAMPLES_MAX) distinct.add(whole);
  }
  const evidence = distinct.size < 2 ? 0 : Math.log2(factor) * (distinct.size - 1);
  if (evidence < EVIDENCE_BITS) return 1;
  return factor < SCALE_MAX ? factor : 1;
}

function fits(values: readonly number[], scale: Scale): boolean {
  const misses = values.filter((value) => Number.isNaN(wholeOf(value, scale))).length;
  return misses * 16 <= values.length;
}

function commonDenominator(values: readonly number[]): number | undefined {
  let common = 1;
  for (const value of values) {
    if (!Number.isNaN(wholeOf(value, { multiplier: 1, divisor: common }))) continue;
    const denominator = denominatorOf(value);
    if (denominator === undefined) return undefined;
    common *= denominator / commonDivisor(common, denominator);
    if (common > DENOMINATOR_MAX) return undefined;
  }
  return fits(values, { multiplier: 1, divisor: common }) ? common : undefined;
}

/** The least denominator of a fraction that is this double, by continued fractions. */
function denominatorOf(value: number): number | undefined {
  let [before, denominator, rest] = [0, 1, Math.abs(value)];
  for (let step = 0; step < 40; step++) {
    const whole = Math.round(Math.abs(value) * denominator);
    if (whole / denominator === Math.abs(value)) return denominator;
    const fraction = rest - Math.floor(rest);
    if (fraction === 0) return undefined;
    rest = 1 / fraction;
    [before, denominator] = [denominator, Math.floor(rest) * denominator + before];
    if (denominator > DENOMINATOR_MAX) return undefined;
  }
  return undefined;
}

function commonDivisor(left: number, right: number): number {
  let [a, b] = [left, right];
  while (b > 0) [a, b] = [b, a % b];
  return a;
}
