/** io.prometheus.write.v2.Request. Source: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/ */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Request, TimeSeries } from "@glassline/proto/prometheus/write-v2";
import { RequestSchema } from "@glassline/proto/prometheus/write-v2";

import { bitsOf, doubleOf } from "./doubles.ts";
import { RequestError } from "./errors.ts";
import { seriesLabels, textOf } from "./labels.ts";
import { fieldsOf, histogramOf } from "./native-histogram.ts";
import type { Rejections } from "./rejections.ts";
import { Rejection } from "./rejections.ts";
import type { Label, Metadata, Series } from "./series.ts";
import { METRIC_TYPES, UNKNOWN_METADATA, typeNumber } from "./series.ts";

/** Series that are valid; the others are counted. Throws RequestError "malformed". */
export function* readV2(body: Uint8Array, rejections: Rejections): Generator<Series> {
  const { symbols, timeseries } = requestOf(body);
  const table = new SymbolTable(symbols);
  for (const one of timeseries) {
    const count = one.samples.length + one.histograms.length + one.exemplars.length;
    const series = rejections.guard(Math.max(1, count), () => seriesOf(one, table, rejections));
    if (series) yield series;
  }
}

function requestOf(body: Uint8Array): Request {
  let request: Request;
  try {
    request = fromBinary(RequestSchema, body);
  } catch (error) {
    throw new RequestError(
      "malformed",
      `body: got bytes that are not ${RequestSchema.typeName}: ${(error as Error).message}`,
      { cause: error },
    );
  }
  if (request.timeseries.length > 0 && request.symbols[0]?.length !== 0)
    throw new RequestError("malformed", "symbols: got another first one, expected an empty text");
  return request;
}

class SymbolTable {
  readonly #bytes: readonly Uint8Array[];
  readonly #texts: (string | undefined)[] = [];

  constructor(bytes: readonly Uint8Array[]) {
    this.#bytes = bytes;
  }

  /** Throws Rejection when there is none, or it is no UTF-8. */
  text(reference: number): string {
    const bytes = this.#bytes[reference];
    if (!bytes)
      throw new Rejection(
        "symbol_out_of_range",
        `symbol: got ${reference}, expected less than ${this.#bytes.length}`,
      );
    return (this.#texts[reference] ??= textOf(bytes, `symbol ${reference}`));
  }

  labels(references: readonly number[]): Label[] {
    if (references.length % 2 !== 0)
      throw new Rejection(
        "symbol_out_of_range",
        `labels_refs: got ${references.length} references, expected pairs`,
      );
    return Array.from({ length: references.length / 2 }, (_, at) => ({
      name: this.text(references[2 * at]!),
      value: this.text(references[2 * at + 1]!),
    }));
  }
}

function seriesOf(one: TimeSeries, table: SymbolTable, rejections: Rejections): Series {
  const { samples, histograms, exemplars, createdTimestamp } = one;
  const labels = seriesLabels(table.labels(one.labelsRefs));
  if (samples.length > 0 && histograms.length > 0)
    throw new Rejection("mixed_series", "series: got samples and histograms, expected one kind");
  // The standard wants a sample; Prometheus sends exemplars in series of their own.
  if (samples.length + histograms.length + exemplars.length === 0)
    throw new Rejection("empty_series", "series: got nothing, expected a sample or a histogram");
  return {
    labels,
    samples: samples.map(({ value, timestamp, startTimestamp }) => ({
      timestampMs: timestamp,
      startMs: startTimestamp || createdTimestamp,
      value: doubleOf(value),
    })),
    histograms: histograms.flatMap(
      (histogram) =>
        rejections.guard(1, () =>
          histogramOf(histogram, histogram.startTimestamp || createdTimestamp),
        ) ?? [],
    ),
    exemplars: exemplars.map(({ labelsRefs, value, timestamp }) => ({
      labels: table.labels(labelsRefs),
      timestampMs: timestamp,
      value,
    })),
    metadata: metadataOf(one, table),
  };
}

function metadataOf({ metadata }: TimeSeries, table: SymbolTable): Metadata {
  if (!metadata) return UNKNOWN_METADATA;
  return {
    type: METRIC_TYPES[metadata.type] ?? "unknown",
    help: table.text(metadata.helpRef),
    unit: table.text(metadata.unitRef),
  };
}

/** @returns the bytes of an io.prometheus.write.v2.Request, not compressed. */
export function writeV2(series: readonly Series[]): Uint8Array {
  const indexes = new Map([["", 0]]);
  const reference = (text: string): number => {
    const known = indexes.get(text);
    if (known !== undefined) return known;
    indexes.set(text, indexes.size);
    return indexes.size - 1;
  };
  const references = (labels: readonly Label[]) =>
    labels.flatMap(({ name, value }) => [reference(name), reference(value)]);
  const timeseries = series.map(({ labels, samples, histograms, exemplars, metadata }) => ({
    labelsRefs: references(labels),
    samples: samples.map(({ value, timestampMs, startMs }) => ({
      value: bitsOf(value),
      timestamp: timestampMs,
      startTimestamp: startMs,
    })),
    histograms: histograms.map((histogram) => ({
      ...fieldsOf(histogram),
      startTimestamp: histogram.startMs,
    })),
    exemplars: exemplars.map(({ labels, value, timestampMs }) => ({
      labelsRefs: references(labels),
      value,
      timestamp: timestampMs,
    })),
    metadata: {
      type: typeNumber(metadata.type),
      helpRef: reference(metadata.help),
      unitRef: reference(metadata.unit),
    },
  }));
  const symbols = [...indexes.keys()].map((text) => new Uint8Array(Buffer.from(text, "utf8")));
  return toBinary(RequestSchema, create(RequestSchema, { symbols, timeseries }));
}
