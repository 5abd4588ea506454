/** OpsBot's service on a real gRPC server with certificates, over a desk in memory; for programs that ask it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { OpsBotService } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";
import { addService, createClient } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";
import { createMetrics } from "@glassline/service/metrics";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import type { PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient, mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import { Access, needsOfService } from "./access/access.ts";
import { accessMetrics } from "./access/metrics.ts";
import { noTokens } from "./access/token-store.ts";
import type { ApiDeps } from "./api.ts";
import { serviceOf } from "./api.ts";
import { MemoryDesk } from "./desk.testing.ts";

const OPSBOT = { role: "opsbot", instance: "opsbot" } as const;
const CALLERS: readonly PeerName[] = [
  { role: "operator", instance: "local" },
  { role: "dashboard", instance: "dashboard" },
  { role: "monitor", instance: "icinga" },
];

/** Where nobody has a token. */
export const byCertificate: ApiDeps["callerOf"] = (context, mayChange) =>
  new Access({
    tokens: noTokens,
    clock: systemClock,
    metrics: accessMetrics(createMetrics("opsbot")),
    needs: needsOfService(OpsBotService),
    isLoopback: true,
    perSecond: 1_000,
  }).callerOf(context, mayChange);

export interface Api extends AsyncDisposable {
  desk: MemoryDesk;
  address: string;
  pkiDir: string;
  /** A client with the certificate of the role. */
  clientOf(role: PeerName["role"]): Promise<Client<typeof OpsBotService>>;
}

export async function startApi(): Promise<Api> {
  await using stack = new AsyncDisposableStack();
  const pkiDir = mkdtempSync(join(tmpdir(), "glassline-opsbot-api-"));
  stack.defer(() => rmSync(pkiDir, { recursive: true, force: true }));
  await ensureDevelopmentPki(pkiDir, [OPSBOT, ...CALLERS]);
  const desk = new MemoryDesk(systemClock);
  const server = new grpc.Server(GRPC_LIMITS);
  const service = serviceOf({
    name: "opsbot",
    desk,
    clock: systemClock,
    fencingToken: () => 7n,
    describe: async () => "",
    callerOf: byCertificate,
  });
  addService(server, OpsBotService, service);
  const identity = await readIdentity(pkiDir, OPSBOT);
  const port = await listenGrpc(server, "gRPC", "127.0.0.1", 0, mutualTlsServer(identity));
  stack.defer(() => closeGrpc(server, 100));
  const address = `127.0.0.1:${port}`;
  const owned = stack.move();
  return {
    desk,
    address,
    pkiDir,
    clientOf: async (role) => {
      const name = CALLERS.find((caller) => caller.role === role)!;
      const credentials = mutualTlsClient(await readIdentity(pkiDir, name), "opsbot");
      return owned.use(createClient(OpsBotService, address, credentials, TLS_CHANNEL_OPTIONS));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
