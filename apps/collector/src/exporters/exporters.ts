/** Starts the exporters that were configured, each at its place in the log. Nothing else is ever contacted. */
import type { AppDeps } from "@glassline/service/app";
import type { Logger } from "@glassline/service/logger";

import { positionFiles } from "../stores/position-files.ts";
import type { Positions, PositionStore } from "../stores/positions.ts";
import type { TelemetryLog } from "../stores/telemetry-log.ts";
import { DebugTarget } from "./debug-target.ts";
import { Exporter } from "./exporter.ts";
import { exporterMetrics } from "./exporter-metrics.ts";
import { OtlpGrpcTarget } from "./otlp-grpc-target.ts";
import { OtlpHttpTarget } from "./otlp-http-target.ts";
import { PositionKeeper } from "./position-keeper.ts";
import { RemoteWriteTarget } from "./remote-write-target.ts";
import type { ExporterSettings, TargetSettings } from "./settings.ts";
import type { Target } from "./target.ts";

export interface ExportersOptions {
  settings: readonly ExporterSettings[];
  /** Holds a file an exporter, unless the log has a place for positions. */
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
  const store = log.positions ?? positionFiles(directory);
  const metrics = exporterMetrics(deps.metrics);
  const { logger, clock } = deps;
  for (const one of settings) {
    const target = targetOf(one.target, logger.child({ exporter: one.name }));
    const positions = await positionsOf(one.name, { store, from, log, logger });
    logger.info({ exporter: one.name, target: target.address, ...positions }, "exporting");
    const keeper = new PositionKeeper({ store, exporter: one.name, positions, clock, logger });
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

interface Kept {
  store: PositionStore;
  logger: Logger;
}

async function positionsOf(
  exporter: string,
  { store, from, log, logger }: Pick<ExportersOptions, "from" | "log"> & Kept,
): Promise<Positions> {
  const stored = await store.read(exporter);
  const all = (index: number): Positions => ({ metrics: index, traces: index, logs: index });
  if (stored && Math.max(...Object.values(stored)) < log.nextIndex) return stored;
  const positions =
    stored || from === "beginning" ? all(log.firstIndex - 1) : all(log.nextIndex - 1);
  if (stored) logger.warn({ exporter, stored }, "position behind the log's end: it is another log");
  else logger.info({ exporter, from }, "a new exporter: it begins at --export-from");
  // Durable before anything is sent: after a kill it must not begin at another end.
  await store.write(exporter, positions);
  return positions;
}
