import { MeshAdminService } from "@glassline/proto/mesh";
import { addService } from "@glassline/proto/rpc";
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";

import { GRPC_LIMITS, closeGrpc, listenGrpc } from "./grpc.ts";
import { peerClient } from "./peer-client.ts";
import { ephemeralPki } from "./pki.ts";
import { mutualTlsServer } from "./tls.ts";

test.each(["::1", "[::1]", "127.0.0.1", "localhost"])("a peer at %s is reached", async (host) => {
  const issue = await ephemeralPki();
  const server = new grpc.Server(GRPC_LIMITS);
  addService(server, MeshAdminService, {
    getStatus: async () => ({ node: "node-1" }),
    restartLink: async () => ({}),
    rotateKeys: async () => ({}),
  });
  const credentials = mutualTlsServer(await issue({ role: "mesh-node", instance: "node-1" }));
  const listened = host.includes(":") ? "::1" : "127.0.0.1";
  const port = await listenGrpc(server, "gRPC", listened, 0, credentials);
  onTestFinished(() => closeGrpc(server, 100));
  const opsbot = await issue({ role: "opsbot", instance: "opsbot" });
  const endpoint = { name: "node-1", host, port };
  using client = peerClient(MeshAdminService, endpoint, "mesh-node", opsbot);
  expect(await client.getStatus({}, { timeoutMs: 10_000 })).toMatchObject({ node: "node-1" });
});
