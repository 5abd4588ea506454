/** `npm run flow`: the way of one measurement through a whole network in this process, on real sockets, a line a hop. */
import type { Sample } from "@glassline/camera/source";
import type { Program, Spec } from "@glassline/config";
import { jsonClient } from "@glassline/proto/json";
import { MeshAdminService } from "@glassline/proto/mesh";
import { readOrExplain } from "@glassline/service/main";
import { METRICS, METRIC_CAMERA_SENSOR_TEMPERATURE } from "@glassline/telemetry/conventions";
import type { TracerProvider } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import {
  TracerProvider as SdkTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace";

import { fixedSource } from "./testing/sources.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const CAMERA = "cam-flow";
const VALUE = 36.6;

const exporter = new InMemorySpanExporter();

function tracerProviderOf(service: string, instance: string): TracerProvider {
  return new SdkTracerProvider({
    resource: resourceFromAttributes({ "service.name": service, "service.instance.id": instance }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
}

const program: Program<Spec> = {
  name: "flow",
  command: "npm run flow --",
  purpose:
    "Shows the way of one measurement through a whole network in this process, on real sockets, a line a hop.",
  environmentPrefix: "GLASSLINE_FLOW",
  spec: {},
};
if (readOrExplain(program)) await flow();

async function flow(): Promise<void> {
  const startMs = performance.now();
  await using testbed = await Testbed.open({ tracerProviderOf });
  const collector = await testbed.collector();
  const near = await testbed.meshNode("node-3", {
    collector: `localhost:${collector.addresses.port}`,
  });
  const relay = await testbed.meshNode("node-2", {
    peer: [`node-3=localhost:${near.addresses.port}`],
  });
  const gateway = await testbed.meshNode("node-1", {
    gateway: true,
    peer: [`node-2=localhost:${relay.addresses.port}`],
  });
  const query = await testbed.query(collector.addresses.port);
  console.log(
    `A camera, three mesh nodes and a collector, up in ${(performance.now() - startMs).toFixed(0)} ms.\n`,
  );

  const status = jsonClient(MeshAdminService, `http://localhost:${gateway.addresses.adminPort}`);
  await eventually("the gateway has a session with the collector", async () => {
    return (await status.getStatus()).gateway?.sessionState === "streaming" || undefined;
  });

  const { unit, kind } = METRICS[METRIC_CAMERA_SENSOR_TEMPERATURE]!;
  const sample: Sample = {
    series: {
      cameraId: CAMERA,
      metric: METRIC_CAMERA_SENSOR_TEMPERATURE,
      unit,
      kind,
      attributes: {},
    },
    timeUnixNano: BigInt(Date.now()) * 1_000_000n,
    value: VALUE,
  };
  console.log(`in    ${CAMERA}  ${sample.series.metric} = ${VALUE} ${unit}\n`);
  await testbed.camera("agent-1", gateway.addresses.port, [fixedSource(CAMERA, [sample])], {
    "trace-ratio": 1,
  });

  const stored = await eventually("the sample is stored", async () => {
    const { series } = await query.queryRange({ cameraId: CAMERA, metric: sample.series.metric });
    // A series is known a moment before its first point is durable.
    return series[0]?.value.length ? series[0] : undefined;
  });
  const spans = await eventually("every hop has told its span", () => {
    const finished = exporter.getFinishedSpans();
    return finished.some(({ name }) => name.startsWith("camera/")) && finished.length >= 6
      ? finished
      : undefined;
  });
  printHops(spans.toSorted((a, b) => startOf(a) - startOf(b)));
  const same = Object.is(stored.value[0], VALUE) && stored.timeUnixNano[0] === sample.timeUnixNano;
  console.log(
    `\nout   ${CAMERA}  ${stored.series!.metric} = ${stored.value[0]} ${stored.series!.unit}  ${same ? "(equal to the bit)" : "(NOT EQUAL)"}`,
  );
  if (!same) process.exitCode = 1;
}

function printHops(hops: readonly ReadableSpan[]): void {
  const first = startOf(hops[0]!);
  console.log(`${"at".padStart(9)}  ${"took".padStart(9)}  ${"who".padEnd(10)} file`);
  for (const hop of hops) {
    const who = String(hop.resource.attributes["service.instance.id"]);
    const took = endOf(hop) - startOf(hop);
    console.log(
      `${milliseconds(startOf(hop) - first)}  ${milliseconds(took)}  ${who.padEnd(10)} ${hop.name}`,
    );
  }
  const traces = new Set(hops.map((hop) => hop.spanContext().traceId));
  console.log(
    `\n${hops.length} hops, ${traces.size === 1 ? "one trace" : `${traces.size} traces`}: ${[...traces].join(", ")}`,
  );
}

function milliseconds(lengthMs: number): string {
  return `${lengthMs.toFixed(2)} ms`.padStart(9);
}

function startOf({ startTime: [seconds, nanoseconds] }: ReadableSpan): number {
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

function endOf({ endTime: [seconds, nanoseconds] }: ReadableSpan): number {
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
