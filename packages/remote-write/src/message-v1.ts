/** prometheus.WriteRequest. Source: https://prometheus.io/docs/specs/prw/remote_write_spec/ */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Label as LabelMessage, MetricMetadata } from "@glassline/proto/prometheus/remote";
import { WriteRequestSchema } from "@glassline/proto/prometheus/remote";
import type { TimeSeries, WriteRequest } from "@glassline/proto/prometheus/remote";

import { bitsOf, doubleOf } from "./doubles.ts";
import { RequestError } from "./errors.ts";
import { seriesLabels, textOf } from "./labels.ts";
import { fieldsOf, histogramOf } from "./native-histogram.ts";
import type { Rejections } from "./rejections.ts";
import { Rejection } from "./rejections.ts";
import type { Label, Metadata, Series } from "./series.ts";
import { METRIC_NAME, METRIC_TYPES, UNKNOWN_METADATA, typeNumber } from "./series.ts";

/** Series that are valid; the others are counted. Throws RequestError "malformed". */
export function* readV1(body: Uint8Array, rejections: Rejections): Generator<Series> {
  const { timeseries, metadata } = requestOf(body);
  const families = familiesOf(metadata);
  for (const one of timeseries) {
    const count = one.samples.length + one.histograms.length + one.exemplars.length;
    const series = rejections.guard(Math.max(1, count), () => seriesOf(one, families, rejections));
    if (series) yield series;
  }
}

function requestOf(body: Uint8Array): WriteRequest {
  try {
    return fromBinary(WriteRequestSchema, body);
  } catch (error) {
    throw new RequestError(
      "malformed",
      `body: got bytes that are not ${WriteRequestSchema.typeName}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** Metadata that is not UTF-8 is as if it had not come: it is beside the data. */
function familiesOf(metadata: readonly MetricMetadata[]): ReadonlyMap<string, Metadata> {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
  return new Map(
    metadata.map(({ type, metricFamilyName, help, unit }) => [
      text(metricFamilyName),
      { type: METRIC_TYPES[type] ?? "unknown", help: text(help), unit: text(unit) },
    ]),
  );
}

/** Series are named after their family, most with a suffix. Source: https://prometheus.io/docs/specs/om/open_metrics_spec/#suffixes */
const SUFFIX = /_(?:total|created|bucket|count|sum|info)$/;

function seriesOf(
  { labels, samples, histograms, exemplars }: TimeSeries,
  families: ReadonlyMap<string, Metadata>,
  rejections: Rejections,
): Series {
  const own = seriesLabels(labelsOf(labels));
  if (samples.length + histograms.length + exemplars.length === 0)
    throw new Rejection("empty_series", "series: got nothing, expected a sample");
  const name = own.find((label) => label.name === METRIC_NAME)!.value;
  return {
    labels: own,
    samples: samples.map(({ value, timestamp }) => ({
      timestampMs: timestamp,
      startMs: 0n,
      value: doubleOf(value),
    })),
    histograms: histograms.flatMap(
      (histogram) => rejections.guard(1, () => histogramOf(histogram, 0n)) ?? [],
    ),
    exemplars: exemplars.map(({ labels, value, timestamp }) => ({
      labels: labelsOf(labels),
      timestampMs: timestamp,
      value,
    })),
    metadata: families.get(name) ?? families.get(name.replace(SUFFIX, "")) ?? UNKNOWN_METADATA,
  };
}

function labelsOf(labels: readonly LabelMessage[]): Label[] {
  return labels.map(({ name, value }) => ({
    name: textOf(name, "label's name"),
    value: textOf(value, "label's value"),
  }));
}

/** @returns the bytes of a prometheus.WriteRequest, not compressed. */
export function writeV1(series: readonly Series[]): Uint8Array {
  const message = create(WriteRequestSchema, {
    timeseries: series.map(({ labels, samples, histograms, exemplars }) => ({
      labels: labels.map(labelMessage),
      samples: samples.map(({ timestampMs, value }) => ({
        value: bitsOf(value),
        timestamp: timestampMs,
      })),
      histograms: histograms.map(fieldsOf),
      exemplars: exemplars.map(({ labels, timestampMs, value }) => ({
        labels: labels.map(labelMessage),
        timestamp: timestampMs,
        value,
      })),
    })),
    metadata: metadataOf(series),
  });
  return toBinary(WriteRequestSchema, message);
}

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "utf8"));

const labelMessage = ({ name, value }: Label) => ({ name: bytesOf(name), value: bytesOf(value) });

function metadataOf(series: readonly Series[]) {
  const known = series.filter(
    ({ metadata: { type, help, unit } }) => type !== "unknown" || help + unit !== "",
  );
  const families = new Map(known.map((one) => [familyOf(one), one.metadata]));
  return [...families].map(([name, { type, help, unit }]) => ({
    type: typeNumber(type),
    metricFamilyName: bytesOf(name),
    help: bytesOf(help),
    unit: bytesOf(unit),
  }));
}

/** A counter keeps its suffix here, as in what Prometheus sends of the text format. */
function familyOf({ labels, metadata: { type } }: Series): string {
  const name = labels.find((label) => label.name === METRIC_NAME)!.value;
  return type === "histogram" || type === "summary"
    ? name.replace(/_(?:bucket|count|sum)$/, "")
    : name;
}
