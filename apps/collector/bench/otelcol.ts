/** The OpenTelemetry Collector, tuned as its documentation says, in three configurations. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { startPinned } from "@glassline/bench/pinned-process";
import type { System } from "./system.ts";
import { freePorts } from "@glassline/bench/ports";

/** memory_limiter first in each pipeline, and GOMEMLIMIT at 80 % of its limit, as its README says. */
const LIMIT_MIB = 1_024;
const ENVIRONMENT = { GOMAXPROCS: "1", GOMEMLIMIT: `${Math.round(0.8 * LIMIT_MIB)}MiB` };
/** More than a run sends: a full queue would refuse. */
const QUEUE_REQUESTS = 10_000_000;

interface Variant {
  name: string;
  exporter: string;
  extensions: string;
  extensionNames: string;
}

/** Nothing is kept: what receiving alone costs. */
const NOP: Variant = {
  name: "otelcol, nop",
  exporter: "nop: {}",
  extensions: "{}",
  extensionNames: "[]",
};

/**
 * Acknowledged when it is in the queue on disk. Nobody listens at the exporter's address, so that it stays there: with a sink,
 * the Collector would also read, encode and send everything again, which a store need not do. One consumer that waits long
 * before it tries again costs nothing. No batch processor: it acknowledges before anything is kept.
 */
const queue = (name: string, fsync: boolean): Variant => ({
  name,
  exporter: `otlp_grpc:
    endpoint: 127.0.0.1:1
    tls: { insecure: true }
    compression: none
    retry_on_failure: { initial_interval: 1h, max_interval: 1h, max_elapsed_time: 0s }
    sending_queue:
      storage: file_storage
      num_consumers: 1
      queue_size: ${QUEUE_REQUESTS}`,
  extensions: `
  file_storage:
    directory: queue
    create_directory: true
    fsync: ${fsync}`,
  extensionNames: "[file_storage]",
});

const VARIANTS = [NOP, queue("otelcol, queue", false), queue("otelcol, queue fsync", true)];

/** @param binary an OpenTelemetry Collector with the components that are needed. */
export function otelcolSystems(binary: string): System[] {
  return VARIANTS.map((variant) => ({
    name: variant.name,
    start: async (directory) => {
      const [grpcPort, httpPort] = await freePorts(2);
      const config = join(directory, "config.yaml");
      await writeFile(config, configOf(variant, directory, grpcPort!, httpPort!));
      const process = await startPinned({
        words: [binary, `--config=${config}`],
        env: ENVIRONMENT,
        ports: [grpcPort!, httpPort!],
      });
      return {
        process,
        grpcPort: grpcPort!,
        httpPort: httpPort!,
        [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
      };
    },
  }));
}

function configOf(variant: Variant, directory: string, grpcPort: number, httpPort: number): string {
  return `receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:${grpcPort}" }
      http: { endpoint: "127.0.0.1:${httpPort}" }
processors:
  memory_limiter: { check_interval: 1s, limit_mib: ${LIMIT_MIB}, spike_limit_mib: ${LIMIT_MIB / 5} }
exporters:
  ${variant.exporter}
extensions: ${variant.extensions.replace("directory: queue", `directory: ${join(directory, "queue")}`)}
service:
  telemetry:
    logs: { level: error }
    metrics: { level: none }
  extensions: ${variant.extensionNames}
  pipelines:
    metrics:
      receivers: [otlp]
      processors: [memory_limiter]
      exporters: [${variant.exporter.slice(0, variant.exporter.indexOf(":"))}]
`;
}
