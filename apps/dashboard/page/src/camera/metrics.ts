import { type Series, SeriesKind } from "@glassline/proto/camera";
import type { LatestSample } from "@glassline/proto/query";
import { METRICS } from "@glassline/telemetry/conventions";

import { compareNames } from "../format/order.ts";
import { matches } from "../parts/text-match.ts";

export type MetricKind = "gauge" | "counter" | "state";

/** One metric of a camera, with the latest sample of each of its series. */
export interface CameraMetric {
  metric: string;
  label: string;
  group: string;
  kind: MetricKind;
  /** The unit of every series; undefined when they differ. */
  unit: string | undefined;
  brief: string;
  /** Names of the values of a state, by value. */
  stateNames: Readonly<Record<string, string>>;
  latest: SeriesValue[];
}

export interface SeriesValue {
  name: string;
  unit: string;
  value: number;
  timeUnixNano: bigint;
}

export interface MetricGroup {
  group: string;
  metrics: CameraMetric[];
}

const OTHER_GROUP = "other streams";
const GROUP_ORDER = [
  "lens",
  "sensor",
  "environment",
  "thermal",
  "motion",
  "movement",
  "output",
  "health",
  OTHER_GROUP,
];
/** Within a group the convention's order holds; what it does not know comes after. */
const METRIC_ORDER = new Map(Object.keys(METRICS).map((metric, index) => [metric, index]));

/** What tells a series from its siblings: "x" for {component: "x"}; "[0]" for {component: "0"}; empty when nothing does. */
export function seriesName(series: Series | undefined): string {
  const name = Object.values(series?.attributes ?? {}).join(" · ");
  // A bare number beside a value would read as part of it.
  return /^\d+$/.test(name) ? `[${name}]` : name;
}

/** The camera's metrics in groups; each metric once, with its series in order of name. */
export function metricGroups(samples: readonly LatestSample[]): MetricGroup[] {
  const byMetric = Map.groupBy(samples, ({ series }) => series?.metric ?? "");
  const metrics = [...byMetric]
    .map(([metric, own]) => metricOf(metric, own))
    .toSorted(byConvention);
  const byGroup = Map.groupBy(metrics, ({ group }) => group);
  return [...byGroup]
    .map(([group, own]) => ({ group, metrics: own }))
    .toSorted((left, right) => GROUP_ORDER.indexOf(left.group) - GROUP_ORDER.indexOf(right.group));
}

/** The id of a group's section on the page, for links to it. */
export function groupId(group: string): string {
  return group.replaceAll(" ", "-");
}

/** The groups with only those metrics that match. */
export function filterGroups(groups: readonly MetricGroup[], text: string): MetricGroup[] {
  if (text === "") return [...groups];
  return groups
    .map(({ group, metrics }) => ({
      group,
      metrics: metrics.filter(({ metric, label }) => matches(`${group} ${metric} ${label}`, text)),
    }))
    .filter(({ metrics }) => metrics.length > 0);
}

function metricOf(metric: string, samples: readonly LatestSample[]): CameraMetric {
  const definition = METRICS[metric];
  const series = samples[0]?.series;
  const group = definition?.group ?? OTHER_GROUP;
  const latest = samples.map((sample) => latestOf(sample, definition?.unit ?? "1"));
  return {
    metric,
    label: definition?.label ?? labelOf(metric),
    group: GROUP_ORDER.includes(group) ? group : OTHER_GROUP,
    kind: kindOf(series) ?? definition?.kind ?? "gauge",
    unit: commonUnit(latest),
    brief: definition?.brief ?? `Stream of the recording, as it names it: ${metric}`,
    stateNames: definition?.values ?? {},
    latest: latest.toSorted((left, right) => compareNames(left.name, right.name)),
  };
}

function latestOf(
  { series, value, timeUnixNano }: LatestSample,
  conventionUnit: string,
): SeriesValue {
  return { name: seriesName(series), unit: series?.unit || conventionUnit, value, timeUnixNano };
}

/** A stream of a recording may mix units, as times with angles: those cannot share one scale. */
function commonUnit(latest: readonly SeriesValue[]): string | undefined {
  const unit = latest[0]?.unit;
  return latest.every((series) => series.unit === unit) ? unit : undefined;
}

function kindOf(series: Series | undefined): MetricKind | undefined {
  if (series?.kind === SeriesKind.COUNTER) return "counter";
  if (series?.kind === SeriesKind.STATE) return "state";
  return series?.kind === SeriesKind.GAUGE ? "gauge" : undefined;
}

/** "camera.gpmf.kbat" is "KBAT": the four letters by which a GoPro names its streams. */
function labelOf(metric: string): string {
  const stream = /^camera\.gpmf\.([^.]+)(.*)$/.exec(metric);
  if (stream) return `${stream[1]!.toUpperCase()}${stream[2]!.replaceAll(".", " ")}`;
  return metric.replace(/^camera\./, "").replaceAll(/[._]/g, " ");
}

function byConvention(left: CameraMetric, right: CameraMetric): number {
  const last = METRIC_ORDER.size;
  const order = (METRIC_ORDER.get(left.metric) ?? last) - (METRIC_ORDER.get(right.metric) ?? last);
  return order || compareNames(left.metric, right.metric);
}
