/** The log that the settings name. */
import { join } from "node:path";

import { DirectoryInUse } from "@glassline/segment-log/lock";
import { OperatorError } from "@glassline/service/errors";
import type { AppDeps } from "@glassline/service/app";

import type { CollectorConfig } from "../config.ts";
import type { CollectorMetrics } from "../metrics.ts";
import { openFileLog } from "./file-log.ts";
import type { MakeCheckpoint, Retention, TelemetryLog } from "./telemetry-log.ts";

const TAIL_MAX_BYTES = 16_777_216;

type Deps = Pick<AppDeps, "clock" | "random" | "logger">;

export async function openTelemetryLog(
  config: CollectorConfig,
  { metrics, ...deps }: Deps & { metrics: CollectorMetrics },
  checkpoint: MakeCheckpoint,
): Promise<TelemetryLog> {
  const retention: Retention = {
    segmentMaxBytes: config.segmentSize,
    maxBytes: config.logSize,
    onDropped: (reason, { bytes }) => {
      metrics.logDroppedSegments.inc({ reason });
      metrics.logDroppedBytes.inc({ reason }, bytes);
    },
  };
  if (config.logNats.length === 0) {
    // Exporters that have caught up do not touch the disk.
    const tailMaxBytes = (config.config?.exporters.length ?? 0) > 0 ? TAIL_MAX_BYTES : 0;
    const directory = join(config.dataDir, "log");
    return openFileLog({ ...retention, directory, tailMaxBytes }, checkpoint).catch(inWords);
  }
  const place = {
    servers: config.logNats,
    stream: streamName(config.logNatsStream),
    credentialsFile: config.logNatsCredentials,
    caFile: config.logNatsCa,
    certificateFile: config.logNatsCertificate,
    keyFile: config.logNatsKey,
  };
  const { name, logNatsReplicas: replicas } = config;
  const { openJetStreamLog } = await import("./jetstream/jetstream-log.ts");
  return openJetStreamLog({ ...retention, ...deps, place, replicas, name }, checkpoint);
}

function inWords(error: unknown): never {
  if (!(error instanceof DirectoryInUse)) throw error;
  throw new OperatorError(`--data-dir: ${error.message}.`, { cause: error });
}

/** It is the first word of the stream's subjects. */
function streamName(name: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return name;
  throw new OperatorError(
    `--log-nats-stream: got ${JSON.stringify(name)}, expected at most 64 letters, digits, _ or -.`,
  );
}
