/**
 * W3C trace context in 29 bytes: version, 0 + trace id (16), 1 + parent id (8), 2 + flags (1).
 * Source: https://w3c.github.io/trace-context-binary/
 */
import type { Attributes, Context, Link, Span, SpanContext, Tracer } from "@opentelemetry/api";
import { ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";

import { wallClockMs } from "./wall-clock.ts";

export const TRACE_CONTEXT_BYTES = 29;
const VERSION = 0;
const FIELD = { traceId: 0, parentId: 1, flags: 2 } as const;
const AT = { traceId: 1, parentId: 18, flags: 27 } as const;

/** @returns 29 bytes. */
export function encodeTraceContext({ traceId, spanId, traceFlags }: SpanContext): Uint8Array {
  const bytes = new Uint8Array(TRACE_CONTEXT_BYTES);
  bytes[0] = VERSION;
  bytes[AT.traceId] = FIELD.traceId;
  bytes.set(Buffer.from(traceId, "hex"), AT.traceId + 1);
  bytes[AT.parentId] = FIELD.parentId;
  bytes.set(Buffer.from(spanId, "hex"), AT.parentId + 1);
  bytes[AT.flags] = FIELD.flags;
  bytes[AT.flags + 1] = traceFlags;
  return bytes;
}

/** Undefined when the bytes are not a valid context: tracing never stops a measurement. */
export function decodeTraceContext(bytes: Uint8Array): SpanContext | undefined {
  const wellFormed =
    bytes.length === TRACE_CONTEXT_BYTES &&
    bytes[0] === VERSION &&
    bytes[AT.traceId] === FIELD.traceId &&
    bytes[AT.parentId] === FIELD.parentId &&
    bytes[AT.flags] === FIELD.flags;
  if (!wellFormed) return undefined;
  const hex = (from: number, length: number) =>
    Buffer.from(bytes.subarray(from, from + length)).toString("hex");
  const context = {
    traceId: hex(AT.traceId + 1, 16),
    spanId: hex(AT.parentId + 1, 8),
    traceFlags: bytes[AT.flags + 1]!,
    isRemote: true,
  };
  return trace.isSpanContextValid(context) ? context : undefined;
}

/** The OpenTelemetry context whose current span is the sender's; undefined when the bytes are not valid. */
export function remoteContext(bytes: Uint8Array): Context | undefined {
  const parent = decodeTraceContext(bytes);
  return parent && trace.setSpanContext(ROOT_CONTEXT, parent);
}

export interface HopSpans {
  /** For every parent that was valid, the context of this hop's span, 29 bytes each. */
  contexts: Uint8Array[];
  setAttributes(attributes: Attributes): void;
  end(): void;
}

/**
 * One span a sampled report at one hop of its way.
 * @param name a file name, e.g. "mesh-node/src/router.ts".
 * @param parents contexts of the hop before, 29 bytes each; those that are not valid are left out.
 * @param creations contexts of the reports' creation: the span of each of them links to it.
 */
export function startHop(
  tracer: Tracer,
  name: string,
  parents: readonly Uint8Array[],
  attributes: Attributes = {},
  creations: readonly Uint8Array[] = [],
): HopSpans {
  if (parents.length === 0) return NO_SPANS;
  // Given, because the SDK itself would round to milliseconds.
  const startTime = wallClockMs();
  const links = linksByTrace(creations);
  const spans: Span[] = [];
  for (const parent of parents) {
    const context = remoteContext(parent);
    if (!context) continue;
    const link = links.get(trace.getSpanContext(context)!.traceId);
    const options = {
      kind: SpanKind.CONSUMER,
      attributes,
      startTime,
      ...(link && { links: [link] }),
    };
    spans.push(tracer.startSpan(name, options, context));
  }
  return {
    contexts: spans.map((span) => encodeTraceContext(span.spanContext())),
    setAttributes: (more) => spans.forEach((span) => span.setAttributes(more)),
    end: () => spans.forEach((span) => span.end(wallClockMs())),
  };
}

function linksByTrace(contexts: readonly Uint8Array[]): Map<string, Link> {
  const links = contexts.map(decodeTraceContext).filter((context) => context !== undefined);
  return new Map(links.map((context) => [context.traceId, { context }]));
}

/** Most messages have no sampled report: nothing is made for them. */
const NO_SPANS: HopSpans = { contexts: [], setAttributes: () => {}, end: () => {} };
