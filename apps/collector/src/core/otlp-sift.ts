/**
 * Takes out of OTLP requests what cannot be kept; the rest is stored.
 * Source: https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext (ids), opentelemetry/proto/metrics/v1/metrics.proto.
 */
import type { ExportMetricsServiceRequest } from "@glassline/proto/otlp/metrics-service";
import type { ExportTraceServiceRequest } from "@glassline/proto/otlp/trace-service";
import type { Metric, NumberDataPoint } from "@glassline/proto/otlp/metrics";
import type { Span } from "@glassline/proto/otlp/trace";

import type { Problem, RejectionReason } from "./otlp-rejections.ts";
import { Rejections } from "./otlp-rejections.ts";

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
/** DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK: the series has ended, so a point without a value is right. */
const NO_RECORDED_VALUE = 1;

/** Changes the request: what is rejected goes, and what is empty because of that. */
export function siftMetrics({ resourceMetrics }: ExportMetricsServiceRequest): Rejections {
  const rejections = new Rejections();
  for (const { scopeMetrics } of resourceMetrics) {
    for (const scope of scopeMetrics) {
      scope.metrics = rejections.sift(scope.metrics, metricProblem, countPoints);
      for (const { data } of scope.metrics) {
        if (data.case === "gauge" || data.case === "sum")
          data.value.dataPoints = rejections.sift(data.value.dataPoints, pointProblem);
      }
    }
  }
  if (rejections.total > 0) pruneMetrics(resourceMetrics);
  return rejections;
}

function metricProblem({ name, data }: Metric): Problem | undefined {
  if (name === "") return { reason: "otlp_metric_without_name", got: "none" };
  if (data.case === undefined) return { reason: "otlp_metric_without_data", got: "none" };
  return undefined;
}

function pointProblem({ value, flags }: NumberDataPoint): Problem | undefined {
  if (value.case !== undefined || (flags & NO_RECORDED_VALUE) !== 0) return undefined;
  return { reason: "otlp_point_without_value", got: "none" };
}

/** A metric without data counts as one point, so that it is told at all. */
function countPoints({ data }: Metric): number {
  return data.case === undefined ? 1 : data.value.dataPoints.length;
}

function pruneMetrics(resourceMetrics: ExportMetricsServiceRequest["resourceMetrics"]): void {
  for (const resource of resourceMetrics) {
    for (const scope of resource.scopeMetrics)
      keepIf(scope.metrics, (metric) => countPoints(metric) > 0);
    keepIf(resource.scopeMetrics, ({ metrics }) => metrics.length > 0);
  }
  keepIf(resourceMetrics, ({ scopeMetrics }) => scopeMetrics.length > 0);
}

/** Changes the request: what is rejected goes, and what is empty because of that. */
export function siftTraces({ resourceSpans }: ExportTraceServiceRequest): Rejections {
  const rejections = new Rejections();
  for (const { scopeSpans } of resourceSpans)
    for (const scope of scopeSpans) scope.spans = rejections.sift(scope.spans, spanProblem);
  if (rejections.total > 0) {
    for (const { scopeSpans } of resourceSpans) keepIf(scopeSpans, ({ spans }) => spans.length > 0);
    keepIf(resourceSpans, ({ scopeSpans }) => scopeSpans.length > 0);
  }
  return rejections;
}

function spanProblem({ traceId, spanId, parentSpanId }: Span): Problem | undefined {
  return (
    idProblem("otlp_span_trace_id", traceId, TRACE_ID_BYTES) ??
    idProblem("otlp_span_span_id", spanId, SPAN_ID_BYTES) ??
    (parentSpanId.length === 0 || parentSpanId.length === SPAN_ID_BYTES
      ? undefined
      : { reason: "otlp_span_parent_span_id", got: `${parentSpanId.length} bytes` })
  );
}

function idProblem(reason: RejectionReason, id: Uint8Array, length: number): Problem | undefined {
  if (id.length !== length) return { reason, got: `${id.length} bytes` };
  return id.some((byte) => byte !== 0) ? undefined : { reason, got: "zeros" };
}

function keepIf<T>(items: T[], isKept: (item: T) => boolean): void {
  items.splice(0, items.length, ...items.filter(isKept));
}
