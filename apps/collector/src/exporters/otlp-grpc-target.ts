/** OTLP/gRPC. Source: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc */
import type { DescMethod } from "@bufbuild/protobuf";
import { LogsService } from "@glassline/proto/otlp/logs-service";
import { MetricsService } from "@glassline/proto/otlp/metrics-service";
import { TraceService } from "@glassline/proto/otlp/trace-service";
import { methodPath } from "@glassline/proto/rpc";
import { RECONNECT_OPTIONS } from "@glassline/service/grpc";
import * as grpc from "@grpc/grpc-js";

import type { SignalName } from "../core/otlp-items.ts";
import { grpcFailure, taken } from "./otlp-outcome.ts";
import type { TargetSettings, TlsSettings } from "./settings.ts";
import type { ExportRequest, Outcome, Target } from "./target.ts";

const METHODS: Readonly<Record<SignalName, DescMethod>> = {
  metrics: MetricsService.method.export,
  traces: TraceService.method.export,
  logs: LogsService.method.export,
};

/** https://google.aip.dev/193 */
const STATUS_DETAILS = "grpc-status-details-bin";
const ANSWER_MAX_BYTES = 1_048_576;

const toBytes = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
const same = (bytes: Buffer) => bytes;

export class OtlpGrpcTarget implements Target {
  readonly address: string;
  readonly #client: grpc.Client;
  readonly #metadata = new grpc.Metadata();
  readonly #timeoutMs: number;

  constructor(settings: Extract<TargetSettings, { kind: "otlp" }>) {
    const { address, tls, headers, compression, timeoutMs } = settings;
    this.address = address;
    this.#timeoutMs = timeoutMs;
    for (const [name, value] of Object.entries(headers)) this.#metadata.set(name, value);
    const { gzip, identity } = grpc.compressionAlgorithms;
    this.#client = new grpc.Client(address, tls ? secure(tls) : grpc.credentials.createInsecure(), {
      ...RECONNECT_OPTIONS,
      // How often a request is sent is the exporter's matter.
      "grpc.enable_retries": 0,
      // Nothing is asked but the configured address: no proxy of the environment, no DNS record of settings.
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.max_receive_message_length": ANSWER_MAX_BYTES,
      "grpc.default_compression_algorithm": compression === "gzip" ? gzip : identity,
      ...(tls?.serverName !== undefined && { "grpc.ssl_target_name_override": tls.serverName }),
    });
  }

  send({ signal: name, body }: ExportRequest, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return Promise.resolve(grpcFailure(grpc.status.CANCELLED, "", undefined));
    return new Promise((resolve) => {
      const cancel = () => call.cancel();
      const call = this.#client.makeUnaryRequest(
        methodPath(METHODS[name]),
        toBytes,
        same,
        body,
        this.#metadata,
        { deadline: Date.now() + this.#timeoutMs },
        (error, answer) => {
          signal.removeEventListener("abort", cancel);
          resolve(error ? failureOf(error) : taken(name, answer!));
        },
      );
      signal.addEventListener("abort", cancel, { once: true });
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function secure({ ca, identity }: TlsSettings): grpc.ChannelCredentials {
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  return grpc.credentials.createSsl(pem(ca), pem(identity?.key), pem(identity?.certificate));
}

function failureOf({ code, details, metadata }: grpc.ServiceError): Outcome {
  const [status] = metadata.get(STATUS_DETAILS);
  return grpcFailure(code, details, typeof status === "string" ? undefined : status);
}
