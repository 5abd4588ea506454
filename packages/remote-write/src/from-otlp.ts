/**
 * OTLP's metrics as series.
 * Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus
 */
import type { KeyValue } from "@glassline/proto/otlp/common";
import { AggregationTemporality } from "@glassline/proto/otlp/metrics";
import type { Metric, NumberDataPoint, ResourceMetrics } from "@glassline/proto/otlp/metrics";

import { labelsOf, textOf } from "./attributes.ts";
import { exemplarsOf, explicitSeries, nativeOf, summarySeries } from "./histogram-from-otlp.ts";
import { metricName, nameWithSuffixes } from "./names.ts";
import { NO_RECORDED_VALUE } from "./points.ts";
import type { Rejections } from "./rejections.ts";
import { Rejection } from "./rejections.ts";
import type { Label, Metadata, MetricType } from "./series.ts";
import { METRIC_TYPES } from "./series.ts";
import { SeriesTable, millisOf } from "./series-table.ts";
import { OWN_SCOPE } from "./to-otlp.ts";

export interface EncodeOptions {
  /** Names get their unit and `_total`, as the standard has it; without, they stay what they are but for their characters. */
  suffixes: boolean;
}

/** What all points of one metric share. */
export interface MetricContext {
  name: string;
  metadata: Metadata;
  /** Of the resource and the scope. */
  labels: readonly Label[];
  /** The standard has exemplars of sums and histograms only; Prometheus sends them also where it knows no type. */
  hasExemplars: boolean;
  table: SeriesTable;
}

export function seriesOfOtlp(
  resourceMetrics: readonly ResourceMetrics[],
  { suffixes }: EncodeOptions,
  rejections: Rejections,
): SeriesTable {
  const table = new SeriesTable();
  for (const { resource, scopeMetrics } of resourceMetrics) {
    const target = targetLabels(resource?.attributes ?? []);
    let newestMs = 0n;
    for (const { scope, metrics } of scopeMetrics) {
      const named = scope && scope.name !== OWN_SCOPE ? scope : undefined;
      const labels = [
        ...target,
        ...label("otel_scope_name", named?.name ?? ""),
        ...label("otel_scope_version", named?.version ?? ""),
      ];
      for (const metric of metrics) {
        const metadata = metadataOf(metric);
        const hasExemplars = metric.data.case === "sum" || typeSaid(metric) !== "";
        const context = { name: nameOf(metric, suffixes), metadata, labels, hasExemplars, table };
        addMetric(metric, context, rejections);
        for (const point of metric.data.value?.dataPoints ?? []) {
          const timeMs = millisOf(point.timeUnixNano);
          if (timeMs > newestMs) newestMs = timeMs;
        }
      }
    }
    addTargetInfo(resource?.attributes ?? [], target, newestMs, table);
  }
  return table;
}

const label = (name: string, value: string): Label[] => (value === "" ? [] : [{ name, value }]);

function textAt(attributes: readonly KeyValue[], key: string): string {
  return textOf(attributes.find((one) => one.key === key)?.value);
}

/** Source: .../prometheus_and_openmetrics/#resource-attributes-1 */
function targetLabels(attributes: readonly KeyValue[]): Label[] {
  const [namespace, name] = ["service.namespace", "service.name"].map((key) =>
    textAt(attributes, key),
  );
  const job = [namespace, name].filter((part) => part !== "").join("/");
  return [...label("job", job), ...label("instance", textAt(attributes, "service.instance.id"))];
}

const IN_TARGET = new Set(["service.namespace", "service.name", "service.instance.id"]);

/** One for each target, when its resource says more than its name. */
function addTargetInfo(
  attributes: readonly KeyValue[],
  target: readonly Label[],
  timestampMs: bigint,
  table: SeriesTable,
): void {
  const more = labelsOf(attributes.filter(({ key }) => !IN_TARGET.has(key)));
  const rest = more.filter(({ name }) => name !== "job" && name !== "instance");
  if (rest.length === 0 || target.length === 0 || timestampMs === 0n) return;
  const metadata = { type: "gauge", help: "Target metadata", unit: "" } as const;
  const series = table.at("target_info", [...target, ...rest], metadata);
  if (series.samples.length === 0) series.samples.push({ timestampMs, startMs: 0n, value: 1 });
}

function nameOf({ name, unit, data }: Metric, suffixes: boolean): string {
  if (!suffixes) return metricName(name);
  const isCounter = data.case === "sum" && data.value.isMonotonic;
  return nameWithSuffixes(
    name,
    unit,
    isCounter ? "counter" : data.case === "gauge" ? "gauge" : "other",
  );
}

const TYPES = {
  gauge: "gauge",
  histogram: "histogram",
  exponentialHistogram: "histogram",
  summary: "summary",
} as const;

const typeSaid = ({ metadata }: Metric) => textAt(metadata, "prometheus.type");

/** What came from Prometheus keeps the type that it had. */
function metadataOf(metric: Metric): Metadata {
  const { data, description, unit } = metric;
  const said = typeSaid(metric) as MetricType;
  const own: MetricType =
    data.case === "sum"
      ? data.value.isMonotonic
        ? "counter"
        : "gauge"
      : data.case === undefined
        ? "unknown"
        : TYPES[data.case];
  return { type: METRIC_TYPES.includes(said) ? said : own, help: description, unit };
}

function addMetric({ name, data }: Metric, context: MetricContext, rejections: Rejections): void {
  const points = data.value?.dataPoints.length ?? 1;
  rejections.guard(points, () => {
    if (name === "") throw new Rejection("no_metric_name", "metric: got no name");
    checkTemporality(name, data);
    switch (data.case) {
      case "gauge":
      case "sum":
        for (const point of data.value.dataPoints)
          rejections.guard(1, () => addNumber(point, context));
        return;
      case "histogram":
        for (const point of data.value.dataPoints)
          rejections.guard(1, () => explicitSeries(point, context));
        return;
      case "exponentialHistogram":
        for (const point of data.value.dataPoints)
          rejections.guard(1, () => {
            const series = seriesAt(context, point.attributes);
            series.histograms.push(nativeOf(point));
            series.exemplars.push(...exemplarsOf(point.exemplars));
          });
        return;
      case "summary":
        for (const point of data.value.dataPoints) summarySeries(point, context);
        return;
      default:
        throw new Rejection("no_value", `metric ${name}: got no data`);
    }
  });
}

/** Prometheus knows counts since a start only. */
function checkTemporality(name: string, data: Metric["data"]): void {
  if (data.case === undefined || data.case === "gauge" || data.case === "summary") return;
  const { aggregationTemporality: got } = data.value;
  if (got === AggregationTemporality.CUMULATIVE) return;
  throw new Rejection(
    "temporality",
    `metric ${name}: got the temporality ${got}, expected ${AggregationTemporality.CUMULATIVE} (cumulative)`,
  );
}

function seriesAt(
  { table, name, labels, metadata }: MetricContext,
  attributes: readonly KeyValue[],
) {
  return table.at(name, [...labels, ...labelsOf(attributes)], metadata);
}

function addNumber(point: NumberDataPoint, context: MetricContext): void {
  const { flags, value, timeUnixNano, startTimeUnixNano } = point;
  const isStale = (flags & NO_RECORDED_VALUE) !== 0;
  const exemplars = context.hasExemplars ? exemplarsOf(point.exemplars) : [];
  if (!isStale && value.case === undefined && exemplars.length === 0)
    throw new Rejection("no_value", `point of ${context.name}: got no value`);
  const series = seriesAt(context, point.attributes);
  series.exemplars.push(...exemplars);
  // Exemplars that came alone are at a point without a value.
  if (value.case === undefined && exemplars.length > 0) return;
  series.samples.push({
    timestampMs: millisOf(timeUnixNano),
    startMs: millisOf(startTimeUnixNano),
    value: isStale ? undefined : Number(value.value),
  });
}
