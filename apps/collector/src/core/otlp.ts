/** OTLP's messages as points of series and hops of traces, for the index; the log keeps the messages whole. */
import type { Bundle, Series, SeriesKind } from "@glassline/otqmn/sample";
import { ATTRIBUTES_MAX } from "@glassline/otqmn/sample";
import type { AnyValue, KeyValue } from "@glassline/proto/otlp/common";
import type { ResourceLogs } from "@glassline/proto/otlp/logs";
import type { Metric, NumberDataPoint, ResourceMetrics } from "@glassline/proto/otlp/metrics";
import type { ResourceSpans, Span } from "@glassline/proto/otlp/trace";

import type { Hop } from "./traces.ts";
import { CAMERA_ID_ATTRIBUTE } from "./traces.ts";

/** Resource attributes that name what was measured, the most specific first. */
const IDENTITY_KEYS = ["camera.id", "device.id", "service.instance.id", "service.name"] as const;

/** A point with this flag ends its series: its numbers say nothing. Source: DataPointFlags of OTLP. */
const NO_RECORDED_VALUE = 1;

/** Of names, keys and values, in characters: what a bundle can carry, with room to spare. */
const TEXT_MAX_LENGTH = 1_024;
const DEPTH_MAX = 8;

interface Row {
  series: Series;
  timeUnixNano: bigint;
  value: number;
}

/** Numbers become points; of histograms and summaries, count and sum do. */
export function pointsOf(resourceMetrics: readonly ResourceMetrics[]): Bundle {
  const rows: Row[] = [];
  const cameras: { cameraId: string; attributes: Record<string, string> }[] = [];
  for (const { resource, scopeMetrics } of resourceMetrics) {
    const attributes = textsOf(resource?.attributes ?? []);
    const cameraId = cameraOf(attributes);
    cameras.push({ cameraId, attributes });
    for (const metric of scopeMetrics.flatMap(({ metrics }) => metrics)) {
      if (metric.name === "") continue;
      for (const row of rowsOf(cameraId, metric)) rows.push(row);
    }
  }
  return bundleOf(rows, cameras);
}

/** Whose points those of a resource are. @param attributes of the resource. */
export function cameraOf(attributes: Readonly<Record<string, string>>): string {
  return IDENTITY_KEYS.map((key) => attributes[key]).find((value) => value) ?? "unknown";
}

function bundleOf(rows: readonly Row[], cameras: Bundle["cameras"]): Bundle {
  const series = [...new Set(rows.map((row) => row.series))];
  const indexes = new Map(series.map((one, index) => [one, index]));
  return {
    series,
    cameras,
    seriesIndex: Uint32Array.from(rows, (row) => indexes.get(row.series)!),
    timeUnixNano: BigUint64Array.from(rows, (row) => row.timeUnixNano),
    value: Float64Array.from(rows, (row) => row.value),
    traceContexts: [],
  };
}

function rowsOf(cameraId: string, metric: Metric): Row[] {
  const { data } = metric;
  const series = (
    suffix: string,
    unit: string,
    kind: SeriesKind,
    attributes: readonly KeyValue[],
  ): Series => ({
    cameraId,
    metric: shortened(metric.name) + suffix,
    unit: shortened(unit),
    kind,
    attributes: textsOf(attributes),
  });
  switch (data.case) {
    case "gauge":
      return numberRows(data.value.dataPoints, (attributes) =>
        series("", metric.unit, "gauge", attributes),
      );
    case "sum": {
      const kind = data.value.isMonotonic ? "counter" : "gauge";
      return numberRows(data.value.dataPoints, (attributes) =>
        series("", metric.unit, kind, attributes),
      );
    }
    case "histogram":
    case "exponentialHistogram":
    case "summary":
      return data.value.dataPoints.flatMap(({ attributes, timeUnixNano, count, sum, flags }) =>
        (flags & NO_RECORDED_VALUE) !== 0
          ? []
          : [
              {
                series: series(".count", "1", "counter", attributes),
                timeUnixNano,
                value: Number(count),
              },
              {
                series: series(".sum", metric.unit, "gauge", attributes),
                timeUnixNano,
                value: sum ?? Number.NaN,
              },
            ],
      );
    default:
      return [];
  }
}

function numberRows(
  points: readonly NumberDataPoint[],
  seriesFor: (attributes: readonly KeyValue[]) => Series,
): Row[] {
  return points.flatMap(({ attributes, timeUnixNano, value }) =>
    value.case === undefined
      ? []
      : [{ series: seriesFor(attributes), timeUnixNano, value: Number(value.value) }],
  );
}

export function hopsOf(resourceSpans: readonly ResourceSpans[]): Hop[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const attributes = textsOf(resource?.attributes ?? []);
    const service = attributes["service.name"] ?? "unknown";
    const instance = attributes["service.instance.id"] ?? "";
    const camera = cameraAttribute(attributes);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => {
        const hop = hopOf(span, service, instance);
        return { ...hop, attributes: { ...camera, ...hop.attributes } };
      }),
    );
  });
}

/** A span is about its resource's camera, if it does not name another. */
function cameraAttribute(attributes: Readonly<Record<string, string>>): Record<string, string> {
  const cameraId = attributes[CAMERA_ID_ATTRIBUTE];
  return cameraId ? { [CAMERA_ID_ATTRIBUTE]: cameraId } : {};
}

export function countLogRecords(resourceLogs: readonly ResourceLogs[]): number {
  let count = 0;
  for (const { scopeLogs } of resourceLogs)
    for (const { logRecords } of scopeLogs) count += logRecords.length;
  return count;
}

function hopOf(span: Span, service: string, instance: string): Hop {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    service,
    instance,
    name: span.name,
    startUnixNano: span.startTimeUnixNano,
    endUnixNano: span.endTimeUnixNano,
    attributes: textsOf(span.attributes),
  };
}

/** Sorted by key, shortened. */
export function textsOf(attributes: readonly KeyValue[]): Record<string, string> {
  const entries = attributes.map(({ key, value }) => [shortened(key), textOf(value)] as const);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.slice(0, ATTRIBUTES_MAX));
}

function textOf(any: AnyValue | undefined): string {
  const plain = plainOf(any, 0);
  return shortened(typeof plain === "string" ? plain : (JSON.stringify(plain) ?? ""));
}

type Plain = string | Plain[] | { [key: string]: Plain };

/** Texts, lists and maps of them; what is nested too deep is left out. */
function plainOf(any: AnyValue | undefined, depth: number): Plain {
  const value = any?.value;
  if (depth > DEPTH_MAX) return "…";
  switch (value?.case) {
    case undefined:
      return "";
    case "bytesValue":
      return Buffer.from(value.value).toString("base64");
    case "arrayValue":
      return value.value.values.map((one) => plainOf(one, depth + 1));
    case "kvlistValue":
      return Object.fromEntries(
        value.value.values.map((pair) => [pair.key, plainOf(pair.value, depth + 1)]),
      );
    default:
      return String(value?.value);
  }
}

/** What is shown of a text; the log keeps it whole. */
export function shortened(text: string): string {
  return text.length <= TEXT_MAX_LENGTH ? text : `${text.slice(0, TEXT_MAX_LENGTH - 1)}…`;
}
