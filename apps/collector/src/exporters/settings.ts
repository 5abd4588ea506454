/** What an exporter is told, however it was configured. */
import type { MessageName } from "@glassline/remote-write/decode";

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

interface ClientSettings {
  /** Sent with each request; secret. */
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** Undefined: without TLS. */
  tls: TlsSettings | undefined;
}

interface OtlpSettings extends ClientSettings {
  compression: "gzip" | "none";
}

export type TargetSettings =
  /** @param address HOST:PORT */
  | ({ kind: "otlp"; address: string } & OtlpSettings)
  /** @param urls of the signals that the exporter has. */
  | ({ kind: "otlphttp"; urls: Readonly<Partial<Record<SignalName, string>>> } & OtlpSettings)
  /** @param suffixes whether names get their unit and `_total`. */
  | ({
      kind: "prometheusremotewrite";
      url: string;
      message: MessageName;
      suffixes: boolean;
    } & ClientSettings)
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
