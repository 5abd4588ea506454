/** Starts the exporters that were configured, each at its place in the log. Nothing else is ever contacted. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { AppDeps } from "@glassline/service/app";
import type { Logger } from "@glassline/service/logger";

import type { TelemetryLog } from "../stores/telemetry-log.ts";
import { DebugTarget } from "./debug-target.ts";
import { Exporter } from "./exporter.ts";
import { exporterMetrics } from "./exporter-metrics.ts";
import { OtlpGrpcTarget } from "./otlp-grpc-target.ts";
import { OtlpHttpTarget } from "./otlp-http-target.ts";
import type { Positions } from "./position-file.ts";
import { readPositions, writePositions } from "./position-file.ts";
import { PositionKeeper } from "./position-keeper.ts";
import { RemoteWriteTarget } from "./remote-write-target.ts";
import type { ExporterSettings, TargetSettings } from "./settings.ts";
import type { Target } from "./target.ts";

export interface ExportersOptions {
  settings: readonly ExporterSettings[];
  /** Holds a file an exporter. */
  directory: string;
  /** Where an exporter begins that has no position yet. */
  from: "end" | "beginning";
  log: TelemetryLog;
}

/** Fails with OperatorError when a position cannot be read. */
export async function startExporters(
  { settings, directory, from, log }: ExportersOptions,
  deps: AppDeps,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  if (settings.length > 0) await mkdir(directory, { recursive: true, mode: 0o700 });
  const metrics = exporterMetrics(deps.metrics);
  const { logger, clock } = deps;
  for (const one of settings) {
    const path = join(directory, `${encodeURIComponent(one.name)}.json`);
    const target = targetOf(one.target, logger.child({ exporter: one.name }));
    const positions = await positionsOf(path, one.name, from, log, logger);
    logger.info({ exporter: one.name, target: target.address, ...positions }, "exporting");
    const keeper = new PositionKeeper(path, positions, clock, logger);
    stack.use(new Exporter(one, { ...deps, log, metrics, target, keeper }));
  }
  return stack.move();
}

/** One line for each kind; another protocol comes in here. */
function targetOf(settings: TargetSettings, logger: Logger): Target {
  switch (settings.kind) {
    case "otlp":
      return new OtlpGrpcTarget(settings);
    case "otlphttp":
      return new OtlpHttpTarget(settings);
    case "prometheusremotewrite":
      return new RemoteWriteTarget(settings);
    case "debug":
      return new DebugTarget(logger);
    default:
      return settings satisfies never;
  }
}

async function positionsOf(
  path: string,
  exporter: string,
  from: ExportersOptions["from"],
  log: TelemetryLog,
  logger: Logger,
): Promise<Positions> {
  const stored = await readPositions(path);
  const all = (index: number): Positions => ({ metrics: index, traces: index, logs: index });
  if (stored && Math.max(...Object.values(stored)) < log.nextIndex) return stored;
  const positions =
    stored || from === "beginning" ? all(log.firstIndex - 1) : all(log.nextIndex - 1);
  if (stored) logger.warn({ exporter, stored }, "position behind the log's end: it is another log");
  else logger.info({ exporter, from }, "a new exporter: it begins at --export-from");
  // Durable before anything is sent: after a kill it must not begin at another end.
  await writePositions(path, positions);
  return positions;
}
