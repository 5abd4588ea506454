/** OpenTelemetry's SDK, set up from the standard OTEL_* variables, which it reads by itself. */
import { exportsSpans } from "@glassline/config";
import type { TracerProvider } from "@opentelemetry/api";
import { trace } from "@opentelemetry/api";

export interface Tracing extends AsyncDisposable {
  tracerProvider: TracerProvider;
}

export interface ServiceName {
  /** E.g. "mesh-node". */
  service: string;
  /** E.g. "node-2". */
  instance: string;
}

const SHUTDOWN_MS = 1_500;
const patience = (lengthMs: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, lengthMs).unref());

/** Exports spans by OTLP as the OTEL_* variables say; records none, and loads nothing, when they name no target. */
export async function startTracing({ service, instance }: ServiceName): Promise<Tracing> {
  if (!exportsSpans())
    return { tracerProvider: trace.getTracerProvider(), [Symbol.asyncDispose]: async () => {} };
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const { EdgePropagator } = await import("./edge-propagator.ts");
  const sdk = new NodeSDK({
    autoDetectResources: false,
    instrumentations: [],
    textMapPropagator: new EdgePropagator(),
    resource: resourceFromAttributes({
      "service.name": service,
      "service.instance.id": instance,
      "service.namespace": "glassline",
    }),
  });
  sdk.start();
  return {
    tracerProvider: trace.getTracerProvider(),
    // What cannot be exported any more, because its target has gone, must not hold up the stop.
    [Symbol.asyncDispose]: () =>
      Promise.race([sdk.shutdown().catch(() => {}), patience(SHUTDOWN_MS)]),
  };
}
