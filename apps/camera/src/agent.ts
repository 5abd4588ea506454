/** Brings what the sources yield to the gateway: in order, kept until acknowledged, over any number of streams. */
import type { Directive } from "@glassline/otqmn/directive";
import type { Instruction } from "@glassline/proto/camera";
import { CameraGatewayService } from "@glassline/proto/camera";
import type { Client } from "@glassline/proto/rpc";
import { createClient } from "@glassline/proto/rpc";
import type { Backoff } from "@glassline/service/backoff";
import { backoff } from "@glassline/service/backoff";
import { GRPC_LIMITS, RECONNECT_OPTIONS } from "@glassline/service/grpc";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import { wallClockMs } from "@glassline/telemetry/wall-clock";
import { ROOT_CONTEXT, SpanKind } from "@opentelemetry/api";

import type { AgentDeps, Queued } from "./agent-stream.ts";
import { AgentStream, NO_GATEWAY } from "./agent-stream.ts";
import { Gaps } from "./core/gaps.ts";
import { Outbox } from "./core/outbox.ts";
import type { CameraReport, Source } from "./sources/source.ts";

const LEAST_INTERVAL_MS = 100;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 2_000;

export interface AgentOptions {
  /** HOST:PORT. */
  gateway: string;
  bufferReports: number;
  /** Share of reports that are traced. */
  traceRatio: number;
}

export class Agent implements AsyncDisposable {
  readonly #options: AgentOptions;
  readonly #deps: AgentDeps;
  readonly #outbox: Outbox<Queued>;
  readonly #gaps = new Gaps();
  readonly #client: Client<typeof CameraGatewayService>;
  readonly #incarnation = crypto.getRandomValues(new Uint8Array(16));
  readonly #stop = new AbortController();
  readonly #retry: Backoff;
  readonly #followed: readonly Source[];
  readonly #sources: Promise<void>[] = [];
  readonly #connection: Promise<void>;
  #stream: AgentStream | undefined;

  constructor(sources: readonly Source[], options: AgentOptions, deps: AgentDeps) {
    this.#followed = sources;
    this.#options = options;
    this.#deps = deps;
    this.#outbox = new Outbox(options.bufferReports);
    this.#retry = backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random: deps.random });
    const credentials = mutualTlsClient(deps.identity, "mesh-node");
    this.#client = createClient(CameraGatewayService, options.gateway, credentials, {
      ...GRPC_LIMITS,
      ...TLS_CHANNEL_OPTIONS,
      ...RECONNECT_OPTIONS,
      "grpc.initial_reconnect_backoff_ms": 100,
    });
    this.#connection = this.#stayConnected();
    for (const source of sources) this.#sources.push(this.#follow(source));
  }

  /** True while a gateway takes reports. */
  get isAttached(): boolean {
    return this.#stream?.isAttached ?? false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#sources);
    await this.#stream?.drained(this.#deps.clock);
    this.#stream?.close();
    this.#client[Symbol.dispose]();
    await this.#connection;
  }

  async #follow(source: Source): Promise<void> {
    const facts = new Map(source.cameras.map(({ cameraId, attributes }) => [cameraId, attributes]));
    for await (const report of source.reports(this.#stop.signal))
      this.#take(report, facts.get(report.cameraId) ?? {});
  }

  #take(report: CameraReport, attributes: Readonly<Record<string, string>>): void {
    const { metrics, random, tracer } = this.#deps;
    metrics.samples.inc(report.samples.length);
    const isTraced = random() < this.#options.traceRatio;
    const span = isTraced
      ? tracer.startSpan(
          "camera/src/agent.ts",
          {
            kind: SpanKind.PRODUCER,
            startTime: wallClockMs(),
            attributes: { "camera.id": report.cameraId, "otqmn.points": report.samples.length },
          },
          ROOT_CONTEXT,
        )
      : undefined;
    if (!this.#outbox.push({ report: this.#tellingGaps(report), attributes, span })) {
      metrics.reportsDropped.inc({ reason: "buffer_full" });
      this.#gaps.lost(report, this.#stream?.obstacle ?? NO_GATEWAY);
      span?.end(wallClockMs());
    }
    metrics.buffered.set(this.#outbox.size);
    this.#stream?.pump();
  }

  /** What was lost before travels with the first report that has room again. */
  #tellingGaps(report: CameraReport): CameraReport {
    if (this.#outbox.isFull || !this.#gaps.has(report.cameraId)) return report;
    return { ...report, samples: [...report.samples, ...this.#gaps.take(report.cameraId)] };
  }

  /** Sources that cannot, and cameras that are of none, are told in the metric. */
  #obey({ cameraId, action }: Instruction): void {
    if (action.case === undefined) return;
    const directive: Directive =
      action.case === "samplingIntervalMs"
        ? { cameraId, action: { samplingIntervalMs: Math.max(LEAST_INTERVAL_MS, action.value) } }
        : { cameraId, action: { reportNow: true } };
    const obeyed = this.#followed.filter((source) => source.obey?.(directive)).length > 0;
    const outcome = obeyed ? "obeyed" : "not_possible";
    this.#deps.metrics.instructions.inc({ action: action.case, outcome });
    this.#deps.logger.info({ camera: cameraId, action: action.case, outcome }, "instruction");
  }

  async #stayConnected(): Promise<void> {
    const { clock, logger, metrics } = this.#deps;
    while (!this.#stop.signal.aborted) {
      const stream = new AgentStream(
        this.#client.report(),
        this.#outbox,
        this.#incarnation,
        { ...this.#deps, instructed: (instruction) => this.#obey(instruction) },
        this.#retry,
        this.#gaps,
      );
      this.#stream = stream;
      metrics.streamsOpened.inc();
      const reason = await stream.ended;
      this.#outbox.rewind();
      if (!this.#stop.signal.aborted) logger.info({ reason }, "stream to the gateway ended");
      await clock.sleep(this.#retry.nextMs(), this.#stop.signal).catch(() => {});
    }
  }
}
