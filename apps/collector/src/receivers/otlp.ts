/** OTLP from anyone with the token: gRPC and HTTP. Source: https://opentelemetry.io/docs/specs/otlp/ */
import { readFile } from "node:fs/promises";

import { OperatorError, messageOf } from "@glassline/service/errors";
import { closeGrpc } from "@glassline/service/grpc";
import type { Identity } from "@glassline/service/identity";
import { publicTlsOptions, tokenTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";
import type { Tracer } from "@opentelemetry/api";

import type { CollectorConfig } from "../config.ts";
import type { Door, Doors } from "../doors.ts";
import { openDoors } from "../doors.ts";
import { MemoryBudget } from "../core/memory-budget.ts";
import type { Closable } from "../core/memory-limit.ts";
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
  tracer: Tracer;
  doors: Doors;
  /** Of the process. */
  memoryLimit: Closable;
}

export interface OtlpReceiver extends AsyncDisposable {
  addresses: { otlpGrpcPort: number; otlpHttpPort: number };
}

/** Opens the doors that are to be open. Fails with OperatorError. */
export async function startOtlp(
  config: CollectorConfig,
  { doors, pipeline, metrics, tracer, identity: own, memoryLimit }: OtlpParts,
): Promise<OtlpReceiver> {
  await using stack = new AsyncDisposableStack();
  const identity = await shownIdentity(config, own);
  const changed = (bytes: number) => metrics.otlpBytes.set(bytes);
  const memory = new MemoryBudget(config.otlpMemory, changed, memoryLimit);
  const deps = {
    pipeline,
    metrics,
    memory,
    tracer,
    token: config.otlpToken || undefined,
    grpcRequestMaxBytes: config.otlpGrpcRequestSize,
  };
  const { otlp_grpc: otlpGrpc, otlp_http: otlpHttp } = openDoors(config);
  const seen = { identity, isPlaintext: config.otlpPlaintext };
  const otlpGrpcPort = otlpGrpc ? await startGrpc(doors, otlpGrpc, seen, deps, stack) : 0;
  const otlpHttpPort = otlpHttp ? await startHttp(doors, otlpHttp, seen, deps, stack) : 0;
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

interface Seen {
  identity: Identity;
  isPlaintext: boolean;
}

async function startGrpc(
  doors: Doors,
  door: Door,
  { identity, isPlaintext }: Seen,
  deps: OtlpDeps,
  stack: AsyncDisposableStack,
): Promise<number> {
  const server = createOtlpGrpcServer(deps);
  const credentials = isPlaintext
    ? grpc.ServerCredentials.createInsecure()
    : tokenTlsServer(identity);
  const port = await doors.grpc(door, server, credentials);
  stack.defer(() => closeGrpc(server, GRACE_MS));
  return port;
}

async function startHttp(
  doors: Doors,
  door: Door,
  { identity, isPlaintext }: Seen,
  deps: OtlpDeps,
  stack: AsyncDisposableStack,
): Promise<number> {
  const https = isPlaintext ? {} : { https: publicTlsOptions(identity) };
  const server = await createOtlpHttpServer(deps, { bodyLimit: REQUEST_MAX_BYTES, ...https });
  await server.register(async (scope) => addRemoteWrite(scope, deps));
  const port = await doors.http(door, server);
  stack.defer(() => server.close());
  return port;
}
