/** A running collector with its OTLP receivers, for tests: on real sockets, with the development CA and a token. */
import { mkdtemp, rm } from "node:fs/promises";
import type { Agent } from "node:https";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jsonClient } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";
import type { LogRecord } from "@glassline/proto/storage";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import * as grpc from "@grpc/grpc-js";

import { startByFlags } from "../collector.testing.ts";
import { openFileLog } from "../stores/file-log.ts";

export const TOKEN = "a-token-for-tests";
export const AUTHORIZATION = `Bearer ${TOKEN}`;
const PORTS = ["--port=0", "--admin-port=0", "--otlp-grpc-port=0", "--otlp-http-port=0"];
const EXPORT_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const LOG = { segmentMaxBytes: 1_048_576, maxBytes: 1_073_741_824 };

export type OtlpCollector = Awaited<ReturnType<typeof startOtlpCollector>>;

export async function startOtlpCollector(...words: string[]) {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-otlp-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const identity = await (await ephemeralPki())({ role: "collector", instance: "collector" });
  const metrics = createMetrics("collector");
  const collector = stack.use(
    await startByFlags(
      [...PORTS, `--data-dir=${directory}`, `--otlp-token=${TOKEN}`, ...words],
      identity,
      metrics,
    ),
  );
  const { adminPort, otlpGrpcPort, otlpHttpPort } = collector.addresses;
  const parts = stack.move();
  return {
    directory,
    /** PEM of the development CA. */
    ca: identity.ca,
    addresses: collector.addresses,
    grpcAddress: `localhost:${otlpGrpcPort}`,
    httpUrl: (path: string) => `https://localhost:${otlpHttpPort}${path}`,
    query: jsonClient(QueryService, `http://localhost:${adminPort}`),
    /** The values of a metric by its labels: {"reason=memory": 2}. */
    values: async (name: string) => {
      const found = await metrics.registry.getSingleMetric(`glassline_${name}`)!.get();
      return Object.fromEntries(
        found.values.map(({ labels, value }) => [labelsText(labels), Number(value)]),
      );
    },
    /** Stops the collector and reads what its log has of OTLP. */
    stored: async (): Promise<LogRecord["record"][]> => {
      await collector[Symbol.asyncDispose]();
      await using log = await openFileLog(
        { directory: join(directory, "log"), ...LOG },
        () => ({}),
      );
      const records: LogRecord["record"][] = [];
      for await (const { record } of log.read(1)) records.push(record.record);
      return records.filter((record) => record.case?.startsWith("otlp"));
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function labelsText(labels: Partial<Record<string, string | number>>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

export interface HttpRequest {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Without Content-Length. */
  isChunked?: boolean;
  /** Keeps connections; by default each request has its own. */
  agent?: Agent;
}

/** One request over TLS, as JSON with the token unless told otherwise. */
export function send(
  { ca, addresses }: Pick<OtlpCollector, "ca" | "addresses">,
  { path = "/v1/metrics", method = "POST", headers = {}, body = "", isChunked, agent }: HttpRequest,
): Promise<HttpAnswer> {
  const defaults = { authorization: AUTHORIZATION, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const call = request(
      {
        port: addresses.otlpHttpPort,
        host: "localhost",
        agent: agent ?? false,
        path,
        method,
        ca,
        headers: { ...defaults, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    call.on("error", reject);
    if (isChunked) call.write(body);
    call.end(isChunked ? undefined : body);
  });
}

/** One call of the traces' Export with bytes as they are. */
export function callGrpc(
  address: string,
  credentials: grpc.ChannelCredentials,
  body: Uint8Array,
  { authorization = AUTHORIZATION, isPacked = false } = {},
): Promise<Buffer> {
  const metadata = new grpc.Metadata();
  metadata.set("authorization", authorization);
  const client = new grpc.Client(address, credentials, {
    "grpc.enable_retries": 0,
    "grpc.default_compression_algorithm": isPacked
      ? grpc.compressionAlgorithms.gzip
      : grpc.compressionAlgorithms.identity,
  });
  const same = (bytes: Buffer) => bytes;
  return new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(
      EXPORT_TRACES,
      same,
      same,
      Buffer.from(body),
      metadata,
      (error, answer) => (error ? reject(error) : resolve(answer!)),
    );
  }).finally(() => client.close());
}
