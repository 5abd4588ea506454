/** One stream of an agent to its gateway: sends what window, transport and refusals allow; hears what became of it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { Series } from "@glassline/otqmn/sample";
import type {
  Instruction,
  Refusal,
  ReportResponse,
  ReportResponseSchema,
} from "@glassline/proto/camera";
import { GapCause, RefusalReason, ReportRequestSchema, SeriesKind } from "@glassline/proto/camera";
import type { ClientStream } from "@glassline/proto/rpc";
import type { Backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";
import { encodeTraceContext } from "@glassline/telemetry/trace-context";
import { wallClockMs } from "@glassline/telemetry/wall-clock";
import type { Span, Tracer } from "@opentelemetry/api";

import type { Gaps, Obstacle } from "./core/gaps.ts";
import type { Outbox } from "./core/outbox.ts";
import type { CameraMetrics } from "./metrics.ts";
import type { CameraReport } from "./sources/source.ts";

/** A stream on which reports wait for so long without an acknowledgement is given up. */
const ACK_TIMEOUT_MS = 8_000;
const TICK_MS = 500;

const REFUSAL_REASONS: ReadonlyMap<RefusalReason, string> = new Map([
  [RefusalReason.RING_FULL, "ring_full"],
  [RefusalReason.INVALID, "invalid"],
  [RefusalReason.STORE_UNAVAILABLE, "store_unavailable"],
]);

const CAUSES: ReadonlyMap<GapCause, Obstacle["cause"]> = new Map([
  [GapCause.CAMERA, "camera"],
  [GapCause.MESH, "mesh"],
  [GapCause.COLLECTOR, "collector"],
]);

export const NO_GATEWAY: Obstacle = { cause: "mesh", reason: "gateway_unreachable" };
const SLOW_GATEWAY: Obstacle = { cause: "mesh", reason: "gateway_slow" };

const KINDS = {
  gauge: SeriesKind.GAUGE,
  counter: SeriesKind.COUNTER,
  state: SeriesKind.STATE,
} as const;

export interface AgentDeps {
  identity: Identity;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: CameraMetrics;
  tracer: Tracer;
}

export interface StreamDeps extends AgentDeps {
  instructed: (instruction: Instruction) => void;
}

export interface Queued {
  report: CameraReport;
  attributes: Readonly<Record<string, string>>;
  span: Span | undefined;
}

type Stream = ClientStream<typeof ReportRequestSchema, typeof ReportResponseSchema>;

export class AgentStream {
  readonly ended: Promise<string>;
  readonly #stream: Stream;
  readonly #outbox: Outbox<Queued>;
  readonly #deps: StreamDeps;
  readonly #retry: Backoff;
  readonly #gaps: Gaps;
  readonly #seriesNumbers = new Map<Series, number>();
  readonly #introduced = new Set<string>();
  #windowReports = 0;
  #pausedUntilMs = 0;
  /** Why the gateway did not take a report; until it takes it. */
  #refusal: (Obstacle & { seq: number }) | undefined;
  #blocked = false;
  #progressMs: number;

  constructor(
    stream: Stream,
    outbox: Outbox<Queued>,
    incarnation: Uint8Array,
    deps: StreamDeps,
    retry: Backoff,
    gaps: Gaps,
  ) {
    this.#stream = stream;
    this.#gaps = gaps;
    this.#outbox = outbox;
    this.#deps = deps;
    this.#retry = retry;
    this.#progressMs = deps.clock.monotonicMs();
    this.ended = this.#watch();
    this.#send({
      message: { case: "attach", value: { agent: deps.identity.instance, incarnation } },
    });
  }

  get isAttached(): boolean {
    return this.#windowReports > 0;
  }

  /** What keeps reports from leaving now. */
  get obstacle(): Obstacle {
    return this.isAttached ? (this.#refusal ?? SLOW_GATEWAY) : NO_GATEWAY;
  }

  close(): void {
    this.#stream.end();
    this.#stream.cancel();
  }

  /** Gives what was sent a moment to be acknowledged. */
  async drained(clock: Clock): Promise<void> {
    for (let waited = 0; waited < 20 && this.#outbox.size > 0 && this.isAttached; waited++) {
      this.pump();
      await clock.sleep(25);
    }
  }

  /** Sends what the window, the transport and a refusal's pause allow. */
  pump(): void {
    const { clock } = this.#deps;
    while (
      !this.#blocked &&
      this.#outbox.unacknowledged < this.#windowReports &&
      clock.monotonicMs() >= this.#pausedUntilMs
    ) {
      const outgoing = this.#outbox.next();
      if (!outgoing) return;
      if (this.#outbox.unacknowledged === 1) this.#progressMs = clock.monotonicMs();
      this.#blocked = !this.#sendReport(outgoing.seq, outgoing.report);
    }
  }

  #watch(): Promise<string> {
    return new Promise((resolve) => {
      const timer = setInterval(() => this.#tick(), TICK_MS);
      const end = (reason: string) => {
        clearInterval(timer);
        this.#windowReports = 0;
        resolve(reason);
      };
      this.#stream.on("data", (response: ReportResponse) => this.#receive(response));
      this.#stream.on("drain", () => {
        this.#blocked = false;
        this.pump();
      });
      this.#stream.on("error", (error) => end(error.message));
      this.#stream.on("end", () => end("the gateway closed the stream"));
    });
  }

  #tick(): void {
    this.pump();
    const waitedMs = this.#deps.clock.monotonicMs() - this.#progressMs;
    const waits = !this.isAttached || this.#outbox.unacknowledged > 0;
    if (waits && waitedMs > ACK_TIMEOUT_MS) this.#stream.cancel();
  }

  #receive({ message }: ReportResponse): void {
    this.#progressMs = this.#deps.clock.monotonicMs();
    switch (message.case) {
      case "attached":
        this.#retry.reset();
        this.#acknowledge(Number(message.value.durableSeq));
        this.#windowReports = message.value.windowReports;
        return this.pump();
      case "ack":
        this.#acknowledge(Number(message.value.durableSeq));
        return this.pump();
      case "instruction":
        return this.#deps.instructed(message.value);
      case "refusal":
        return this.#refused(message.value);
    }
  }

  #acknowledge(seq: number): void {
    if (this.#refusal && seq >= this.#refusal.seq) this.#refusal = undefined;
    for (const { report } of this.#outbox.acknowledge(seq)) {
      report.span?.end(wallClockMs());
      this.#deps.metrics.reportsAcknowledged.inc();
    }
    this.#deps.metrics.buffered.set(this.#outbox.size);
  }

  /** The gateway cannot take it now: kept, and sent again after a pause. One that it will never take is dropped. */
  #refused({ seq, reason: number, message, retryAfterMs, cause }: Refusal): void {
    const reason = REFUSAL_REASONS.get(number) ?? "other";
    this.#deps.metrics.reportsRefused.inc({ reason });
    this.#refusal = { seq: Number(seq), cause: CAUSES.get(cause) ?? "mesh", reason };
    if (number === RefusalReason.INVALID) return this.#drop(Number(seq), message);
    this.#outbox.rewind(Number(seq));
    // What was told with a report that was not taken has to be told again.
    this.#introduced.clear();
    this.#pausedUntilMs = this.#deps.clock.monotonicMs() + retryAfterMs;
  }

  #drop(seq: number, reason: string): void {
    const dropped = this.#outbox.remove(seq)?.report;
    dropped?.span?.end(wallClockMs());
    if (dropped) this.#gaps.lost(dropped.report, { cause: "camera", reason: "invalid" });
    this.#deps.metrics.reportsDropped.inc({ reason: "invalid" });
    this.#deps.logger.warn({ seq, reason }, "the gateway will not take a report");
    this.pump();
  }

  #sendReport(seq: number, { report: { cameraId, samples }, attributes, span }: Queued): boolean {
    const newSeries: Series[] = [];
    const series = samples.map((sample) => this.#numberOf(sample.series, newSeries));
    const isNew = !this.#introduced.has(cameraId);
    this.#introduced.add(cameraId);
    const value = {
      seq: BigInt(seq),
      cameraId,
      attributes: isNew ? attributes : {},
      newSeries: newSeries.map((one) => ({ ...one, kind: KINDS[one.kind] })),
      series,
      timeUnixNano: samples.map(({ timeUnixNano }) => timeUnixNano),
      value: samples.map((sample) => sample.value),
      traceContext: span ? encodeTraceContext(span.spanContext()) : new Uint8Array(0),
    };
    return this.#send({ message: { case: "report", value } });
  }

  #numberOf(series: Series, newSeries: Series[]): number {
    let number = this.#seriesNumbers.get(series);
    if (number === undefined) {
      this.#seriesNumbers.set(series, (number = this.#seriesNumbers.size));
      newSeries.push(series);
    }
    return number;
  }

  /** False when the transport wants a pause. */
  #send(request: MessageInitShape<typeof ReportRequestSchema>): boolean {
    return this.#stream.write(create(ReportRequestSchema, request));
  }
}
