/** The three signals of OTLP, and how many items a request of one holds, without decoding it. */
import { countFields } from "./protobuf-fields.ts";

export const SIGNAL_NAMES = ["metrics", "traces", "logs"] as const;
export type SignalName = (typeof SIGNAL_NAMES)[number];

/** Field numbers on the way to an item. Source: opentelemetry/proto/{metrics,trace,logs}/v1. */
const PATHS: Readonly<Record<SignalName, readonly (readonly number[])[]>> = {
  // resource_metrics, scope_metrics, metrics, gauge to summary, data_points
  metrics: [[1], [2], [2], [5, 7, 9, 10, 11], [1]],
  // resource_spans, scope_spans, spans
  traces: [[1], [2], [2]],
  // resource_logs, scope_logs, log_records
  logs: [[1], [2], [2]],
};

/** @param request an Export*ServiceRequest that was decoded once. @returns its points, spans or log records. */
export function itemsIn(signal: SignalName, request: Uint8Array): number {
  return countFields(request, PATHS[signal]);
}
