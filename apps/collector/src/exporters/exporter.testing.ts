/** An exporter on a real log with a target in memory, for tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ExportLogsServiceRequestSchema } from "@glassline/proto/otlp/logs-service";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";

import { openFileLog } from "../stores/file-log.ts";
import { positionFiles } from "../stores/position-files.ts";
import type { TelemetryLog } from "../stores/telemetry-log.ts";
import { Exporter } from "./exporter.ts";
import { exporterMetrics } from "./exporter-metrics.ts";
import type { Positions } from "../stores/positions.ts";
import { PositionKeeper } from "./position-keeper.ts";
import type { ExportRequest, Outcome, Target } from "./target.ts";

export const TAKEN: Outcome = { kind: "taken", rejected: 0, message: "" };

/** Answers each request as it is told, and keeps what it took. */
export class MemoryTarget implements Target {
  readonly address = "memory";
  readonly taken: ExportRequest[] = [];
  readonly asked: number[] = [];
  answer: (request: ExportRequest) => Outcome | Promise<Outcome> = () => TAKEN;

  async send(request: ExportRequest): Promise<Outcome> {
    this.asked.push(performance.now());
    const outcome = await this.answer(request);
    if (outcome.kind === "taken") this.taken.push(request);
    return outcome;
  }

  /** Bodies of all log records that were taken, in order. */
  get texts(): string[] {
    return this.taken
      .filter(({ signal }) => signal === "logs")
      .flatMap(({ body }) => textsIn(body));
  }

  [Symbol.dispose](): void {
    // It holds nothing.
  }
}

/** ExportLogsServiceRequest with one record. */
export function logsRequest(text: string): Uint8Array {
  const body = { value: { case: "stringValue" as const, value: text } };
  const message = create(ExportLogsServiceRequestSchema, {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body }] }] }],
  });
  return toBinary(ExportLogsServiceRequestSchema, message);
}

export function textsIn(request: Uint8Array): string[] {
  const { resourceLogs } = fromBinary(ExportLogsServiceRequestSchema, request);
  return resourceLogs
    .flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
    .map(({ body }) => String(body?.value.value));
}

export const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `record ${from + at}`);

export class ExporterBench implements AsyncDisposable {
  readonly directory: string;
  readonly log: TelemetryLog;
  readonly target = new MemoryTarget();
  readonly #metrics = createMetrics("collector");
  readonly #exporterMetrics = exporterMetrics(this.#metrics);

  private constructor(directory: string, log: TelemetryLog) {
    [this.directory, this.log] = [directory, log];
  }

  static async open(options: { segmentMaxBytes?: number; maxBytes?: number } = {}) {
    const directory = await mkdtemp(join(tmpdir(), "glassline-export-"));
    const log = await openFileLog(
      {
        directory: join(directory, "log"),
        segmentMaxBytes: 1_048_576,
        maxBytes: 1_073_741_824,
        tailMaxBytes: 1_048_576,
        ...options,
      },
      () => ({}),
    );
    return new ExporterBench(directory, log);
  }

  get positionPath(): string {
    return join(this.directory, "test.json");
  }

  async append(texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      const record = { case: "otlpLogs", value: logsRequest(text) } as const;
      await this.log.append({ receivedUnixNano: systemClock.nowUnixNano(), record });
    }
  }

  start(positions: Positions = { metrics: 0, traces: 0, logs: 0 }): Exporter {
    const logger = createLogger("test", "silent");
    return new Exporter(
      {
        name: "test",
        signals: ["metrics", "traces", "logs"],
        target: { kind: "debug" },
        gatherMs: 0,
        retry: { firstMs: 5, maxMs: 20 },
      },
      {
        log: this.log,
        clock: systemClock,
        random: Math.random,
        logger,
        metrics: this.#exporterMetrics,
        target: this.target,
        keeper: new PositionKeeper({
          store: positionFiles(this.directory),
          exporter: "test",
          positions,
          clock: systemClock,
          logger,
        }),
      },
    );
  }

  /** The values of a metric by its last label. */
  async values(name: string): Promise<Record<string, number>> {
    const found = await this.#metrics.registry.getSingleMetric(`glassline_${name}`)!.get();
    return Object.fromEntries(
      found.values
        .filter(({ value }) => Number(value) > 0)
        .map(({ labels, value }) => [String(Object.values(labels).at(-1)), Number(value)]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
