import { useRef } from "preact/hooks";

import type { CameraMetric, MetricGroup } from "./metrics.ts";

/** Growth is taken over so much time, so that the figure does not jump with each report. */
const SPAN_NS = 10_000_000_000n;

/** Over less than this a rate says more about the reports' rhythm than about the camera. */
const SPAN_MIN_NS = 2_000_000_000n;

interface Reading {
  value: number;
  timeUnixNano: bigint;
}

/** Growth a second of each counter's series, by metric and series; undefined until readings span some seconds. */
export function useCounterRates(
  groups: readonly MetricGroup[],
): (metric: string, name: string) => number | undefined {
  const readings = useRef(new Map<string, Reading[]>());
  for (const { metrics } of groups)
    for (const metric of metrics) if (metric.kind === "counter") record(readings.current, metric);
  return (metric, name) => rateOf(readings.current.get(`${metric}\n${name}`) ?? []);
}

function record(readings: Map<string, Reading[]>, { metric, latest }: CameraMetric): void {
  for (const { name, value, timeUnixNano } of latest) {
    const key = `${metric}\n${name}`;
    const before = readings.get(key) ?? [];
    const last = before.at(-1);
    if (last?.timeUnixNano === timeUnixNano) continue;
    const restarted = last !== undefined && value < last.value;
    const kept = restarted
      ? []
      : before.filter((reading) => timeUnixNano - reading.timeUnixNano <= SPAN_NS);
    readings.set(key, [...kept, { value, timeUnixNano }]);
  }
}

function rateOf(readings: readonly Reading[]): number | undefined {
  const first = readings[0];
  const last = readings.at(-1);
  if (!first || !last || first === last) return undefined;
  if (last.timeUnixNano - first.timeUnixNano < SPAN_MIN_NS) return undefined;
  return ((last.value - first.value) * 1e9) / Number(last.timeUnixNano - first.timeUnixNano);
}
