/** Where an exporter sends: the port behind which protocols stand. */
import type { SignalName } from "../core/otlp-items.ts";

export interface ExportRequest {
  signal: SignalName;
  /** ExportMetricsServiceRequest, ExportTraceServiceRequest or ExportLogsServiceRequest. */
  body: Uint8Array;
  /** Points, spans or log records. */
  items: number;
}

/** What became of a request. Reasons are for metrics, messages for people; neither holds a secret. */
export type Outcome =
  | {
      kind: "taken";
      /** Items that the target tells it has dropped. */
      rejected: number;
      message: string;
    }
  /** For good: sending the same again is of no use. */
  | { kind: "refused"; reason: string; message: string }
  /** To be sent again, not before the delay if the target named one. */
  | { kind: "failed"; reason: string; message: string; delayMs?: number | undefined };

export interface Target extends Disposable {
  /** Where requests go, for people. */
  readonly address: string;
  /** Never rejects. An aborted request has failed. */
  send(request: ExportRequest, signal: AbortSignal): Promise<Outcome>;
}
