import { quantity, rateQuantity } from "../format/quantity.ts";
import type { ChartData } from "./chart-data.ts";
import type { CameraMetric, SeriesValue } from "./metrics.ts";
import { stateText } from "./states.ts";

/** The value of one series, written for people. */
export interface ReadValue {
  name: string;
  text: string;
  unit: string;
}

/** Growth a second of a counter's series; undefined until that is known. */
export type CounterRate = (metric: string, name: string) => number | undefined;

/** The value of each series in its own unit: under the cursor when there is one, else the latest. */
export function readingsOf(
  metric: CameraMetric,
  data: ChartData | undefined,
  cursor: number | null,
  rate: CounterRate,
): ReadValue[] {
  return metric.latest.map((series) => {
    const { name, value } = series;
    const column = cursor === null ? -1 : (data?.names.indexOf(name) ?? -1);
    const under = column < 0 ? undefined : data?.columns[column + 1]?.[cursor!];
    if (under !== undefined && under !== null) return written(metric, series, under);
    if (!isRate(metric)) return written(metric, series, value);
    const growth = rate(metric.metric, name) ?? lastOf(data, name);
    return growth === undefined ? { name, text: "–", unit: "" } : written(metric, series, growth);
  });
}

/** A counter is shown as its rate, but a counter of seconds is a duration: its rate would always be one. */
export function isRate({ kind, unit }: CameraMetric): boolean {
  return kind === "counter" && unit !== "s";
}

function written(metric: CameraMetric, { name, unit }: SeriesValue, value: number): ReadValue {
  if (metric.kind === "state") return { name, text: stateText(value, metric.stateNames), unit: "" };
  return { name, ...(isRate(metric) ? rateQuantity(value, unit) : quantity(value, unit)) };
}

/** The newest point of a series in the chart. */
function lastOf(data: ChartData | undefined, name: string): number | undefined {
  const index = data?.names.indexOf(name) ?? -1;
  const values = index < 0 ? [] : Array.from(data?.columns[index + 1] ?? []);
  return values.findLast((value) => typeof value === "number");
}
