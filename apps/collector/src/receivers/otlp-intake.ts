/** What the OTLP receivers share: who is let in, how much may be in work, and how refusals are counted. */
import { requireToken } from "@glassline/service/token";
import {
  EdgePropagator,
  quantumPathAttributes,
  quantumPathOf,
} from "@glassline/telemetry/edge-propagator";
import { wallClockMs } from "@glassline/telemetry/wall-clock";
import type { Tracer } from "@opentelemetry/api";
import {
  ROOT_CONTEXT,
  SpanKind,
  TraceFlags,
  defaultTextMapGetter,
  trace,
} from "@opentelemetry/api";

import type { MemoryBudget } from "../core/memory-budget.ts";
import type { CollectorMetrics } from "../metrics.ts";
import type { Pipeline } from "../pipeline.ts";
import type { OtlpRefusal } from "./otlp-refusal.ts";
import { outOfMemory, refusalOf } from "./otlp-refusal.ts";

/** Before and after the content encoding is taken off. */
export const REQUEST_MAX_BYTES = 8_388_608;
const OWN_TOKEN = "this collector's: set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN";

export interface OtlpDeps {
  pipeline: Pipeline;
  metrics: CollectorMetrics;
  memory: MemoryBudget;
  tracer: Tracer;
  /** Undefined: whoever reaches the ports may send. */
  token: string | undefined;
  /** Of requests over gRPC, if it is less than of those over HTTP. */
  grpcRequestMaxBytes?: number;
}

/** Before any of the request's body is read. Throws RpcError, OtlpRefusal. */
export function admit({ token, memory }: OtlpDeps, authorization: string | undefined): void {
  if (token !== undefined) requireToken(authorization, token, OWN_TOKEN);
  if (memory.isFull) throw outOfMemory(memory);
}

const propagator = new EdgePropagator();

/** A request whose sender's trace is sampled is a span of it. @param headers by their names in lower case. */
export async function traced<T>(
  { tracer }: OtlpDeps,
  headers: Readonly<Record<string, unknown>>,
  take: () => Promise<T>,
): Promise<T> {
  if (headers["traceparent"] === undefined) return take();
  const context = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  const isSampled = (trace.getSpanContext(context)?.traceFlags ?? 0) & TraceFlags.SAMPLED;
  if (!isSampled) return take();
  const keySources = quantumPathOf(context);
  const attributes = keySources ? quantumPathAttributes(keySources) : {};
  const options = { kind: SpanKind.SERVER, startTime: wallClockMs(), attributes };
  const span = tracer.startSpan("collector/src/receivers/otlp-intake.ts", options, context);
  return take().finally(() => span.end(wallClockMs()));
}

/** A thrown value as the refusal that the sender is told; counted. */
export function refuse({ metrics }: OtlpDeps, error: unknown): OtlpRefusal {
  const refusal = refusalOf(error);
  metrics.otlpRefused.inc({ reason: refusal.reason });
  return refusal;
}
