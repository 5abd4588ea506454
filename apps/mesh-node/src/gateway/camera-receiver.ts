/** The gateway's side of a camera agent's stream: order, limits, series by number; then the intake. */
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Series as OtqmnSeries, SeriesKind as OtqmnKind } from "@glassline/otqmn/sample";
import type {
  CameraGatewayService,
  Report,
  ReportRequest,
  ReportRequestSchema,
} from "@glassline/proto/camera";
import { RefusalReason, ReportResponseSchema, SeriesKind } from "@glassline/proto/camera";
import { RpcError } from "@glassline/proto/errors";
import type { Implementation, ServerStream } from "@glassline/proto/rpc";
import { grpcStatus } from "@glassline/proto/rpc";
import { requirePeer } from "@glassline/service/tls";

import type { MeshMetrics } from "../metrics.ts";
import type { Intake, RefusedBecause, ReportOwner } from "./intake.ts";
import type { Ring } from "./ring.ts";

const WINDOW_REPORTS = 4_096;
const AGENTS_MAX = 10_000;
const SERIES_MAX_PER_STREAM = 500_000;
const POINTS_MAX_PER_REPORT = 20_000;
const RETRY_AFTER_MS = 500;

const KINDS: ReadonlyMap<SeriesKind, OtqmnKind> = new Map([
  [SeriesKind.GAUGE, "gauge"],
  [SeriesKind.COUNTER, "counter"],
  [SeriesKind.STATE, "state"],
]);

const REASONS: Record<RefusedBecause, RefusalReason> = {
  ring_full: RefusalReason.RING_FULL,
  store_unavailable: RefusalReason.STORE_UNAVAILABLE,
};

type Stream = ServerStream<typeof ReportRequestSchema, typeof ReportResponseSchema>;

export interface CameraReceiverDeps {
  intake: Intake;
  ring: Ring;
  metrics: MeshMetrics;
}

export interface CameraReceiver {
  implementation: Implementation<typeof CameraGatewayService>;
  agents(): number;
}

export function createCameraReceiver(deps: CameraReceiverDeps): CameraReceiver {
  const open = new Set<AgentStream>();
  return {
    agents: () => open.size,
    implementation: {
      report: (stream) => {
        try {
          const { instance } = requirePeer(stream, ["camera"]);
          if (open.size >= AGENTS_MAX)
            throw new RpcError(
              "resource_exhausted",
              `${open.size} agents are attached, expected at most ${AGENTS_MAX}`,
            );
          for (const older of open) if (older.agent === instance) older.supersede();
          const agent = new AgentStream(stream, instance, deps);
          open.add(agent);
          const forget = () => open.delete(agent);
          for (const event of ["cancelled", "finish", "error"]) stream.on(event, forget);
          stream.on("end", () => stream.end());
          stream.on("data", (request: ReportRequest) => agent.receive(request));
        } catch (error) {
          stream.emit("error", grpcStatus(error));
        }
      },
    },
  };
}

class AgentStream implements ReportOwner {
  readonly agent: string;
  readonly #stream: Stream;
  readonly #deps: CameraReceiverDeps;
  readonly #series: OtqmnSeries[] = [];
  #incarnation = "";
  /** The report that must come next: after a refusal, the refused one. */
  #nextSeq = 0;

  constructor(stream: Stream, agent: string, deps: CameraReceiverDeps) {
    this.#stream = stream;
    this.agent = agent;
    this.#deps = deps;
  }

  /** The agent has opened another stream: what this one still brings is not taken. */
  supersede(): void {
    this.#nextSeq = Number.POSITIVE_INFINITY;
    this.#stream.emit(
      "error",
      grpcStatus(new RpcError("aborted", "the agent has opened another stream")),
    );
  }

  receive({ message }: ReportRequest): void {
    try {
      if (message.case === "attach")
        void this.#attach(message.value.agent, message.value.incarnation);
      if (message.case === "report") this.#report(message.value);
    } catch (error) {
      this.#deps.metrics.reportsRefused.inc({ reason: "invalid" });
      this.#stream.emit("error", grpcStatus(error));
    }
  }

  acknowledged(seq: number): void {
    this.#send({ case: "ack", value: { durableSeq: BigInt(seq) } });
  }

  refused(seq: number, because: RefusedBecause, message: string): void {
    if (seq >= this.#nextSeq) return;
    this.#nextSeq = seq;
    const refusal = {
      seq: BigInt(seq),
      reason: REASONS[because],
      message,
      retryAfterMs: RETRY_AFTER_MS,
    };
    this.#send({ case: "refusal", value: refusal });
  }

  async #attach(agent: string, incarnation: Uint8Array): Promise<void> {
    if (agent !== this.agent) {
      const message = `agent: got ${JSON.stringify(agent)}, expected ${this.agent} as in the certificate`;
      this.#stream.emit("error", grpcStatus(new RpcError("permission_denied", message)));
      return;
    }
    // What an older stream brought must be on the ring, or refused, before it is said how far the agent has come.
    await this.#deps.intake.settle();
    this.#incarnation = Buffer.from(incarnation).toString("hex");
    const mark = this.#deps.ring.agentMark(agent);
    const durableSeq = mark?.incarnation === this.#incarnation ? mark.seq : 0;
    this.#nextSeq = durableSeq + 1;
    this.#send({
      case: "attached",
      value: { durableSeq: BigInt(durableSeq), windowReports: WINDOW_REPORTS },
    });
  }

  #report(report: Report): void {
    if (this.#nextSeq === 0)
      throw new RpcError("failed_precondition", "got a Report, expected Attach first");
    this.#define(report);
    const seq = Number(report.seq);
    // Behind a refusal everything is sent again, in order; what is on the ring already is not stored twice.
    if (seq !== this.#nextSeq) return;
    this.#nextSeq = seq + 1;
    const { cameraId, attributes, timeUnixNano, value, traceContext } = report;
    const facts = Object.keys(attributes).length > 0 ? { cameraId, attributes } : undefined;
    const series = this.#resolve(report);
    const resolved = {
      agent: this.agent,
      incarnation: this.#incarnation,
      seq,
      facts,
      series,
      timeUnixNano,
      value,
      traceContext,
    };
    this.#deps.intake.add(resolved, this);
  }

  #define({ newSeries }: Report): void {
    if (this.#series.length + newSeries.length > SERIES_MAX_PER_STREAM) {
      throw new RpcError(
        "resource_exhausted",
        `new_series: got more than ${SERIES_MAX_PER_STREAM} series on one stream`,
      );
    }
    for (const { cameraId, metric, unit, kind, attributes } of newSeries) {
      const name = KINDS.get(kind);
      if (!name || metric === "" || cameraId === "") {
        throw new RpcError(
          "invalid_argument",
          `new_series: got ${JSON.stringify({ cameraId, metric, kind })}, expected a camera, a metric and a kind`,
        );
      }
      const sorted = Object.fromEntries(
        Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      );
      this.#series.push({ cameraId, metric, unit, kind: name, attributes: sorted });
    }
  }

  #resolve({ series, timeUnixNano, value }: Report): OtqmnSeries[] {
    if (
      series.length !== value.length ||
      timeUnixNano.length !== value.length ||
      value.length > POINTS_MAX_PER_REPORT
    ) {
      const got = `${series.length} series, ${timeUnixNano.length} times, ${value.length} values`;
      throw new RpcError(
        "invalid_argument",
        `report: got ${got}, expected equal numbers of at most ${POINTS_MAX_PER_REPORT}`,
      );
    }
    return series.map((index) => {
      const one = this.#series[index];
      if (!one)
        throw new RpcError(
          "invalid_argument",
          `series: got number ${index}, expected less than ${this.#series.length}`,
        );
      return one;
    });
  }

  #send(message: NonNullable<MessageInitShape<typeof ReportResponseSchema>["message"]>): void {
    if (this.#stream.writable)
      this.#stream.write(create(ReportResponseSchema, { message } as never));
  }
}
