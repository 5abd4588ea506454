import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { beforeEach, describe, expect, test } from "vitest";

import type { OtlpDeps } from "./otlp-intake.ts";
import { traced } from "./otlp-intake.ts";

const exported = new InMemorySpanExporter();
const provider = new TracerProvider({
  spanProcessors: [new SimpleSpanProcessor({ exporter: exported })],
});
const deps = { tracer: provider.getTracer("test") } as unknown as OtlpDeps;
const [TRACE, PARENT] = ["0a".repeat(16), "0b".repeat(8)];

beforeEach(() => exported.reset());

describe("a request", () => {
  test("of a sampled trace is a span of it, and says over which keys it came", async () => {
    const headers = {
      traceparent: `00-${TRACE}-${PARENT}-01`,
      baggage: "quantum.path.key_sources=sim%2Ctls,secret=7",
    };
    expect(await traced(deps, headers, async () => "taken")).toBe("taken");
    const refused = traced(deps, headers, () => Promise.reject(new Error("full")));
    await expect(refused).rejects.toThrow("full");
    const spans = exported.getFinishedSpans();
    expect(spans).toHaveLength(2);
    for (const span of spans) {
      expect(span.spanContext().traceId).toBe(TRACE);
      expect(span.parentSpanContext?.spanId).toBe(PARENT);
      expect(span.attributes).toEqual({
        "quantum.path.hops": 2,
        "quantum.path.key_sources": ["sim", "tls"],
        "quantum.path.simulated": true,
      });
    }
  });

  test.each([{}, { traceparent: `00-${TRACE}-${PARENT}-00` }, { traceparent: "00-zz" }])(
    "of none has none: %j",
    async (headers) => {
      expect(await traced(deps, headers, async () => 7)).toBe(7);
      expect(exported.getFinishedSpans()).toEqual([]);
    },
  );
});
