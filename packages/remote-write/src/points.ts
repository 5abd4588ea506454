/** Points and exemplars of OTLP from those of remote write. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ExemplarSchema, NumberDataPointSchema } from "@glassline/proto/otlp/metrics";

import { Rejection } from "./rejections.ts";
import type { Exemplar, Label, Sample } from "./series.ts";

/** DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK: what the stale marker says. */
export const NO_RECORDED_VALUE = 1;
/** Times of OTLP are 64-bit nanoseconds, without sign. */
const TIME_MAX_MS = (2n ** 64n - 1n) / 1_000_000n;

export type ExemplarInit = MessageInitShape<typeof ExemplarSchema> & object;
export type Attributes = {
  key: string;
  value: { value: { case: "stringValue"; value: string } };
}[];

export function numberPoint({ timestampMs, startMs, value }: Sample, attributes: Attributes) {
  const times = {
    timeUnixNano: nanoOf(timestampMs),
    startTimeUnixNano: nanoOf(startMs),
  };
  const exemplars: ExemplarInit[] = [];
  if (value === undefined) return { ...times, attributes, exemplars, flags: NO_RECORDED_VALUE };
  return { ...times, attributes, exemplars, value: { case: "asDouble", value } } satisfies object &
    MessageInitShape<typeof NumberDataPointSchema>;
}

const TRACE_ID = /^[0-9a-f]{32}$/;
const SPAN_ID = /^[0-9a-f]{16}$/;

/** Ids become fields when they are as OTLP writes them; otherwise they stay labels. */
export function exemplarOf({ labels, timestampMs, value }: Exemplar): ExemplarInit {
  const id = (name: string, format: RegExp) => {
    const text = valueOf(labels, name);
    return format.test(text) ? text : "";
  };
  const ids = { trace_id: id("trace_id", TRACE_ID), span_id: id("span_id", SPAN_ID) };
  const rest = labels.filter(({ name }) => !ids[name as keyof typeof ids]);
  return {
    timeUnixNano: nanoOf(timestampMs),
    value: { case: "asDouble", value },
    traceId: new Uint8Array(Buffer.from(ids.trace_id, "hex")),
    spanId: new Uint8Array(Buffer.from(ids.span_id, "hex")),
    filteredAttributes: rest.flatMap((label) => attribute(label.name, label.value)),
  };
}

/** Throws Rejection for a time that OTLP cannot say. */
export function nanoOf(timestampMs: bigint): bigint {
  if (timestampMs >= 0n && timestampMs <= TIME_MAX_MS) return timestampMs * 1_000_000n;
  throw new Rejection(
    "timestamp_out_of_range",
    `timestamp: got ${timestampMs} ms, expected 0 to ${TIME_MAX_MS}`,
  );
}

export function valueOf(labels: readonly Label[], name: string): string {
  return labels.find((label) => label.name === name)?.value ?? "";
}

export function attribute(key: string, value: string): Attributes {
  return value === "" ? [] : [{ key, value: { value: { case: "stringValue", value } } }];
}
