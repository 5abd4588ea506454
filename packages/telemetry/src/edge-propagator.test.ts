import {
  ROOT_CONTEXT,
  TraceFlags,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  trace,
} from "@opentelemetry/api";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  EdgePropagator,
  quantumPathAttributes,
  quantumPathOf,
  withQuantumPath,
} from "./edge-propagator.ts";

const PARENT = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: TraceFlags.SAMPLED,
};
const propagator = new EdgePropagator();

const extracted = (carrier: Record<string, string>) =>
  propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);

describe("the propagator of the edges", () => {
  test("says and reads the trace, and over which keys the message came", () => {
    const secret = propagation.createBaggage({ customer: { value: "42" } });
    const traced = propagation.setBaggage(trace.setSpanContext(ROOT_CONTEXT, PARENT), secret);
    const carrier: Record<string, string> = {};
    const context = withQuantumPath(traced, ["sim", "x-wing"]);
    propagator.inject(context, carrier, defaultTextMapSetter);
    expect(carrier).toEqual({
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      baggage: "quantum.path.key_sources=sim%2Cx-wing",
    });
    expect(Object.keys(carrier).every((key) => propagator.fields().includes(key))).toBe(true);
    const read = extracted(carrier);
    expect(trace.getSpanContext(read)).toMatchObject({ ...PARENT, isRemote: true });
    expect(quantumPathAttributes(quantumPathOf(read)!)).toEqual({
      "quantum.path.hops": 2,
      "quantum.path.key_sources": ["sim", "x-wing"],
      "quantum.path.simulated": true,
    });
  });

  test("says nothing where nothing is known", () => {
    const carrier = {};
    propagator.inject(ROOT_CONTEXT, carrier, defaultTextMapSetter);
    expect(carrier).toEqual({});
    expect(extracted({})).toBe(ROOT_CONTEXT);
  });

  test.each([
    "quantum.path.key_sources=",
    "quantum.path.key_sources=Sim",
    "quantum.path.key_sources=a%2C%3Cscript%3E",
    `quantum.path.key_sources=${Array.from({ length: 33 }, () => "sim").join("%2C")}`,
  ])("leaves out a way that is none: %s", (baggage) => {
    expect(quantumPathOf(extracted({ baggage }))).toBeUndefined();
  });

  test("reads whatever comes, or leaves it out", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (traceparent, baggage) => {
        extracted({ traceparent, baggage });
      }),
      { numRuns: 1_000 },
    );
  });
});
