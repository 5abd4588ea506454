/**
 * Traces at the edges of the mesh, where messages have headers of text: W3C `traceparent` and `tracestate`, and as `baggage` over which keys the message
 * came. Inside of the mesh contexts are 29 bytes (trace-context.ts). Sources: https://www.w3.org/TR/trace-context/, https://www.w3.org/TR/baggage/
 */
import type { Attributes, Context, TextMapGetter, TextMapPropagator } from "@opentelemetry/api";
import type { TextMapSetter } from "@opentelemetry/api";
import { ROOT_CONTEXT, createContextKey, propagation } from "@opentelemetry/api";
import { W3CBaggagePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";

import {
  ATTR_QUANTUM_PATH_HOPS,
  ATTR_QUANTUM_PATH_KEY_SOURCES,
  ATTR_QUANTUM_PATH_SIMULATED,
} from "./gen/quantum.ts";

/** Longer ways than the mesh has are nobody's. */
const HOPS_MAX = 32;
const SOURCE = /^[a-z0-9-]{1,16}$/;
const PATH = createContextKey("glassline quantum path");

/** @param keySources of the links that a message crossed, in their order (quantum.link.key_source). */
export const withQuantumPath = (context: Context, keySources: readonly string[]): Context =>
  context.setValue(PATH, keySources);

/** Undefined: nothing is known of it. */
export const quantumPathOf = (context: Context): readonly string[] | undefined =>
  context.getValue(PATH) as readonly string[] | undefined;

export const quantumPathAttributes = (keySources: readonly string[]): Attributes => ({
  [ATTR_QUANTUM_PATH_HOPS]: keySources.length,
  [ATTR_QUANTUM_PATH_KEY_SOURCES]: [...keySources],
  [ATTR_QUANTUM_PATH_SIMULATED]: keySources.includes("sim"),
});

export class EdgePropagator implements TextMapPropagator {
  readonly #traces = new W3CTraceContextPropagator();
  readonly #baggage = new W3CBaggagePropagator();

  /** Of baggage nothing but the way: what else somebody has put into it is not for others. */
  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    this.#traces.inject(context, carrier, setter);
    const keySources = quantumPathOf(context);
    if (!keySources) return;
    const entries = { [ATTR_QUANTUM_PATH_KEY_SOURCES]: { value: keySources.join(",") } };
    const baggage = propagation.createBaggage(entries);
    this.#baggage.inject(propagation.setBaggage(ROOT_CONTEXT, baggage), carrier, setter);
  }

  /** What is malformed is left out: tracing never stops a measurement. */
  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const traced = this.#traces.extract(context, carrier, getter);
    const carried = propagation.getBaggage(this.#baggage.extract(ROOT_CONTEXT, carrier, getter));
    const keySources = carried?.getEntry(ATTR_QUANTUM_PATH_KEY_SOURCES)?.value.split(",") ?? [];
    const isPath = keySources.length <= HOPS_MAX && keySources.every((one) => SOURCE.test(one));
    return isPath && keySources.length > 0 ? withQuantumPath(traced, keySources) : traced;
  }

  fields(): string[] {
    return [...this.#traces.fields(), ...this.#baggage.fields()];
  }
}
