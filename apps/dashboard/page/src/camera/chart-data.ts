import type { SeriesRange } from "@glassline/proto/query";
import uPlot from "uplot";

import { compareNames } from "../format/order.ts";
import { millisecondsOf } from "../format/time.ts";
import { seriesName } from "./metrics.ts";
import type { RangeAnswer } from "./range-feed.ts";

/** Columns for uPlot: times in seconds, then one column a series. */
export interface ChartData {
  names: string[];
  columns: uPlot.AlignedData;
}

type Column = [timesS: number[], values: (number | null)[]];

/** Steps that a rate is taken over: finer ones would show the batches, not the camera. */
const RATE_STEPS = 120;
/** A pause this many times as long as the usual one between two points is drawn as a gap. */
const GAP_STEPS = 5;
const GAP_MIN_S = 5;

/** The answer as columns; counters become their rate a second. */
export function chartDataOf(answer: RangeAnswer, asRate: boolean): ChartData {
  const windowS = (answer.toMs - answer.fromMs) / 1_000;
  const named = answer.series
    .map((range) => ({ name: seriesName(range.series), column: columnOf(range, windowS, asRate) }))
    .toSorted((left, right) => compareNames(left.name, right.name));
  // uPlot cannot join nothing.
  if (named.length === 0) return { names: [], columns: [[]] };
  const columns = uPlot.join(named.map(({ column }) => column as uPlot.AlignedData));
  return { names: named.map(({ name }) => name), columns };
}

function columnOf(range: SeriesRange, windowS: number, asRate: boolean): Column {
  const timesS = range.timeUnixNano.map((time) => millisecondsOf(time) / 1_000);
  if (!asRate) return withGaps(timesS, range.value);
  return withGaps(...ratesOf(timesS, range.value, Math.max(1, windowS / RATE_STEPS)));
}

/** Indexes of values that no line joins to another. Undefined: another series has a value at that time. */
export function lonePoints(values: ArrayLike<number | null | undefined>): number[] {
  const places = Array.from(values, (_, index) => index).filter(
    (index) => values[index] !== undefined,
  );
  const isGap = (place: number) => (values[places[place]!] ?? null) === null;
  return places.filter((_, place) => !isGap(place) && isGap(place - 1) && isGap(place + 1));
}

/** A null between two points that lie far apart keeps the line from bridging silence. */
function withGaps(timesS: readonly number[], values: readonly number[]): Column {
  const column: Column = [[], []];
  const gapS = Math.max(GAP_MIN_S, GAP_STEPS * usualPauseS(timesS));
  timesS.forEach((timeS, index) => {
    const beforeS = timesS[index - 1];
    if (beforeS !== undefined && timeS - beforeS > gapS) push(column, (beforeS + timeS) / 2, null);
    push(column, timeS, values[index] ?? null);
  });
  return column;
}

/** The median. */
function usualPauseS(timesS: readonly number[]): number {
  const pauses = timesS.slice(1).map((timeS, index) => timeS - timesS[index]!);
  return pauses.toSorted((left, right) => left - right)[Math.floor((pauses.length - 1) / 2)] ?? 0;
}

/** Growth a second over steps of at least `stepS`; a counter that began anew gives no rate for that step. */
function ratesOf(
  timesS: readonly number[],
  values: readonly number[],
  stepS: number,
): [number[], number[]] {
  const rateTimesS: number[] = [];
  const rates: number[] = [];
  let from = 0;
  for (let index = 1; index < timesS.length; index++) {
    const elapsedS = timesS[index]! - timesS[from]!;
    if (elapsedS < stepS) continue;
    const growth = values[index]! - values[from]!;
    from = index;
    if (growth < 0) continue;
    rateTimesS.push(timesS[index]!);
    rates.push(growth / elapsedS);
  }
  return [rateTimesS, rates];
}

function push([timesS, values]: Column, timeS: number, value: number | null): void {
  timesS.push(timeS);
  values.push(value);
}
