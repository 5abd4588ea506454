/** The gateway's side of a camera agent's stream: order, limits, series by number; then the intake. */
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Directive } from "@glassline/otqmn/directive";
import type {
  Attach,
  CameraGatewayService,
  Report,
  ReportRequest,
  ReportRequestSchema,
} from "@glassline/proto/camera";
import { GapCause, RefusalReason, ReportResponseSchema } from "@glassline/proto/camera";
import { RpcError } from "@glassline/proto/errors";
import type { Implementation, ServerStream } from "@glassline/proto/rpc";
import { grpcStatus } from "@glassline/proto/rpc";
import { requirePeer } from "@glassline/service/tls";
import { TRACE_CONTEXT_BYTES } from "@glassline/telemetry/trace-context";

import type { ResolvedReport } from "../core/bundle-cutter.ts";
import type { MeshMetrics } from "../metrics.ts";
import type { Intake, RefusedBecause, ReportOwner } from "./intake.ts";
import type { Ring } from "./ring.ts";
import { StreamSeries } from "./stream-series.ts";

const WINDOW_REPORTS = 4_096;
const AGENTS_MAX = 10_000;
const RETRY_AFTER_MS = 500;
const INCARNATION_MAX_BYTES = 64;
const NO_TRACE_CONTEXT = new Uint8Array(0);

const REASONS: Record<RefusedBecause, RefusalReason> = {
  ring_full: RefusalReason.RING_FULL,
  store_unavailable: RefusalReason.STORE_UNAVAILABLE,
  invalid: RefusalReason.INVALID,
};

type Stream = ServerStream<typeof ReportRequestSchema, typeof ReportResponseSchema>;

export interface CameraReceiverDeps {
  intake: Intake;
  ring: Ring;
  metrics: MeshMetrics;
  /** Whether there is a way to a collector now. */
  hasRoute: () => boolean;
}

export interface CameraReceiver {
  implementation: Implementation<typeof CameraGatewayService>;
  agents(): number;
  /** Passes a directive on to the agent of its camera, or to all. */
  direct(directive: Directive): void;
}

export function createCameraReceiver(deps: CameraReceiverDeps): CameraReceiver {
  const open = new Set<AgentStream>();
  return {
    agents: () => open.size,
    direct: (directive) => open.forEach((agent) => agent.direct(directive)),
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
  readonly #series = new StreamSeries();
  /** Those that it has reported of; as many as its series allow. */
  readonly #cameras = new Set<string>();
  #incarnation = "";
  #state: "attaching" | "beginning" | "open" | "over" = "attaching";
  /** The report that must come next: after a refusal, the refused one. */
  #nextSeq = 0;

  constructor(stream: Stream, agent: string, deps: CameraReceiverDeps) {
    this.#stream = stream;
    this.agent = agent;
    this.#deps = deps;
  }

  /** The agent has opened another stream: what this one still brings is not taken. */
  supersede(): void {
    this.#fail(new RpcError("aborted", "the agent has opened another stream"));
  }

  receive({ message }: ReportRequest): void {
    if (this.#state === "over") return;
    try {
      if (message.case === "attach") this.#attach(message.value);
      if (message.case === "report") this.#report(message.value);
    } catch (error) {
      this.#fail(error);
    }
  }

  direct({ cameraId, action }: Directive): void {
    if (cameraId !== "" && !this.#cameras.has(cameraId)) return;
    const value =
      "reportNow" in action
        ? { cameraId, action: { case: "reportNow" as const, value: true } }
        : {
            cameraId,
            action: { case: "samplingIntervalMs" as const, value: action.samplingIntervalMs },
          };
    this.#send({ message: { case: "instruction", value } });
  }

  acknowledged(seq: number): void {
    this.#send({ message: { case: "ack", value: { durableSeq: BigInt(seq) } } });
  }

  refused(seq: number, because: RefusedBecause, message: string): void {
    if (this.#state === "over" || seq >= this.#nextSeq) return;
    // What is never taken is not waited for.
    if (because !== "invalid") this.#nextSeq = seq;
    // The ring is full when bundles stay: there is no way to a collector, or there is one and none takes them.
    const isCollectors = because === "ring_full" && this.#deps.hasRoute();
    const isCameras = because === "invalid";
    const cause = isCameras ? GapCause.CAMERA : isCollectors ? GapCause.COLLECTOR : GapCause.MESH;
    this.#refuse({ seq, reason: REASONS[because], cause, message });
  }

  #attach({ agent, incarnation }: Attach): void {
    if (agent !== this.agent || incarnation.length > INCARNATION_MAX_BYTES) {
      const got = `${JSON.stringify(agent)} with an incarnation of ${incarnation.length} bytes`;
      const message = `attach: got ${got}, expected ${this.agent} as in the certificate and at most ${INCARNATION_MAX_BYTES} bytes`;
      throw new RpcError("permission_denied", message);
    }
    // What an older stream brought must be on the ring, or refused, before it is said how far the agent has come.
    void this.#deps.intake
      .settle()
      .then(() => this.#attached(Buffer.from(incarnation).toString("hex")));
  }

  #attached(incarnation: string): void {
    if (this.#state !== "attaching") return;
    const mark = this.#deps.ring.agentMark(this.agent);
    const durableSeq = mark?.incarnation === incarnation ? mark.seq : 0;
    [this.#incarnation, this.#nextSeq, this.#state] = [incarnation, durableSeq + 1, "beginning"];
    const value = { durableSeq: BigInt(durableSeq), windowReports: WINDOW_REPORTS };
    this.#send({ message: { case: "attached", value } });
  }

  #report(report: Report): void {
    if (this.#state === "attaching") {
      throw new RpcError(
        "failed_precondition",
        "got a Report, expected Attach and its answer first",
      );
    }
    this.#series.define(report.newSeries);
    const seq = Number(report.seq);
    // The agent alone knows what it still has: a stream begins where the agent begins, but never with what is on the ring.
    if (this.#state === "beginning") this.#nextSeq = Math.max(this.#nextSeq, seq);
    this.#state = "open";
    // Behind a refusal everything is sent again, in order; what is on the ring already is not stored twice.
    if (seq !== this.#nextSeq) return;
    this.#nextSeq = seq + 1;
    const problem = this.#series.problemOf(report);
    if (problem === undefined) {
      this.#cameras.add(report.cameraId);
      this.#deps.intake.add(this.#resolve(report, seq), this);
    } else {
      this.#deps.metrics.reportsRefused.inc({ reason: "invalid" });
      const { INVALID: reason } = RefusalReason;
      this.#refuse({ seq, reason, cause: GapCause.CAMERA, message: problem });
    }
  }

  #resolve(
    { cameraId, attributes, series, timeUnixNano, value, traceContext }: Report,
    seq: number,
  ): ResolvedReport {
    return {
      agent: this.agent,
      incarnation: this.#incarnation,
      seq,
      facts: Object.keys(attributes).length > 0 ? { cameraId, attributes } : undefined,
      series: series.map((number) => this.#series.get(number)),
      timeUnixNano,
      value,
      // A context that is none must not stop the measurement.
      traceContext: traceContext.length === TRACE_CONTEXT_BYTES ? traceContext : NO_TRACE_CONTEXT,
    };
  }

  #refuse(refusal: { seq: number; reason: RefusalReason; cause: GapCause; message: string }): void {
    const value = { ...refusal, seq: BigInt(refusal.seq), retryAfterMs: RETRY_AFTER_MS };
    this.#send({ message: { case: "refusal", value } });
  }

  #fail(error: unknown): void {
    this.#state = "over";
    this.#stream.emit("error", grpcStatus(error));
  }

  #send(message: MessageInitShape<typeof ReportResponseSchema>): void {
    if (this.#stream.writable) this.#stream.write(create(ReportResponseSchema, message));
  }
}
