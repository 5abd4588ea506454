/** OTLP from anyone with the token: gRPC and HTTP. Source: https://opentelemetry.io/docs/specs/otlp/ */
import { readFile } from "node:fs/promises";

import { OperatorError, messageOf } from "@glassline/service/errors";
import { closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { listen } from "@glassline/service/http";
import type { Identity } from "@glassline/service/identity";
import { publicTlsOptions, tokenTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import type { CollectorConfig } from "../config.ts";
import { OtlpMemory } from "../core/otlp-memory.ts";
import type { CollectorMetrics } from "../metrics.ts";
import type { Pipeline } from "../pipeline.ts";
import { createOtlpGrpcServer } from "./otlp-grpc.ts";
import { createOtlpHttpServer } from "./otlp-http.ts";
import type { OtlpDeps } from "./otlp-intake.ts";
import { REQUEST_MAX_BYTES } from "./otlp-intake.ts";
import { addRemoteWrite } from "./remote-write.ts";

const GRACE_MS = 1_000;

export interface OtlpParts {
  pipeline: Pipeline;
  metrics: CollectorMetrics;
  identity: Identity;
}

export interface OtlpReceiver extends AsyncDisposable {
  addresses: { otlpGrpcPort: number; otlpHttpPort: number };
}

/** Listens on the ports that are to be open. Fails with OperatorError. */
export async function startOtlp(
  config: CollectorConfig,
  { pipeline, metrics, identity: own }: OtlpParts,
): Promise<OtlpReceiver> {
  await using stack = new AsyncDisposableStack();
  const identity = await shownIdentity(config, own);
  const memory = new OtlpMemory(config.otlpMemory, (bytes) => metrics.otlpBytes.set(bytes));
  const deps = {
    pipeline,
    metrics,
    memory,
    token: config.otlpToken || undefined,
    grpcRequestMaxBytes: config.otlpGrpcRequestSize,
  };
  const { otlpProtocols } = config;
  const otlpGrpcPort =
    otlpProtocols === "http" ? 0 : await startGrpc(config, identity, deps, stack);
  const otlpHttpPort =
    otlpProtocols === "grpc" ? 0 : await startHttp(config, identity, deps, stack);
  const parts = stack.move();
  return {
    addresses: { otlpGrpcPort, otlpHttpPort },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** With another certificate, if one is configured. */
async function shownIdentity(
  { otlpCertificate, otlpKey }: CollectorConfig,
  own: Identity,
): Promise<Identity> {
  if (otlpCertificate === "" && otlpKey === "") return own;
  if (otlpCertificate === "" || otlpKey === "")
    throw new OperatorError("--otlp-certificate and --otlp-key: got one, expected both.");
  try {
    const [certificate, privateKey] = await Promise.all(
      [otlpCertificate, otlpKey].map((path) => readFile(path, "utf8")),
    );
    return { ...own, certificate: certificate!, privateKey: privateKey! };
  } catch (error) {
    throw new OperatorError(`certificate of OTLP: ${messageOf(error)}.`, { cause: error });
  }
}

async function startGrpc(
  { host, otlpHost, otlpGrpcPort, otlpPlaintext }: CollectorConfig,
  identity: Identity,
  deps: OtlpDeps,
  stack: AsyncDisposableStack,
): Promise<number> {
  const server = createOtlpGrpcServer(deps);
  const credentials = otlpPlaintext
    ? grpc.ServerCredentials.createInsecure()
    : tokenTlsServer(identity);
  const what = "OTLP/gRPC (--otlp-grpc-port)";
  const port = await listenGrpc(server, what, otlpHost || host, otlpGrpcPort, credentials);
  stack.defer(() => closeGrpc(server, GRACE_MS));
  return port;
}

async function startHttp(
  { host, otlpHost, otlpHttpPort, otlpPlaintext }: CollectorConfig,
  identity: Identity,
  deps: OtlpDeps,
  stack: AsyncDisposableStack,
): Promise<number> {
  const https = otlpPlaintext ? {} : { https: publicTlsOptions(identity) };
  const server = await createOtlpHttpServer(deps, { bodyLimit: REQUEST_MAX_BYTES, ...https });
  await server.register(async (scope) => addRemoteWrite(scope, deps));
  const port = await listen(server, "OTLP/HTTP (--otlp-http-port)", otlpHost || host, otlpHttpPort);
  stack.defer(() => server.close());
  return port;
}
