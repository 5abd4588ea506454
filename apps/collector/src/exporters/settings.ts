/** What an exporter is told, however it was configured. */
import type { SignalName } from "../core/otlp-items.ts";

/** TLS towards a target; files are read at the start. */
export interface TlsSettings {
  /** PEM of the CAs that may have signed the target's certificate; undefined: those of this system. */
  ca: string | undefined;
  /** PEM of this collector's own certificate and key, where the target asks for one. */
  identity: { certificate: string; key: string } | undefined;
  /** The name in the target's certificate, where it is not that of the address. */
  serverName: string | undefined;
}

interface OtlpSettings {
  /** Sent with each request; secret. */
  headers: Readonly<Record<string, string>>;
  compression: "gzip" | "none";
  timeoutMs: number;
  /** Undefined: without TLS. */
  tls: TlsSettings | undefined;
}

export type TargetSettings =
  /** @param address HOST:PORT */
  | ({ kind: "otlp"; address: string } & OtlpSettings)
  | ({ kind: "otlphttp"; urls: Readonly<Record<SignalName, string>> } & OtlpSettings)
  | { kind: "debug" };

export interface ExporterSettings {
  /** Unique; names the file of its position: "otlp/2". */
  name: string;
  signals: readonly SignalName[];
  target: TargetSettings;
  /** How long records are gathered before they are sent. */
  gatherMs: number;
  retry: { firstMs: number; maxMs: number };
}
