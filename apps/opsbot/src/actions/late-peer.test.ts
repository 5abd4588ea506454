/** The kill switch with peers that take connections late: what waits for one is not sent any more, and is sent when it may be. */
import type { DescService } from "@bufbuild/protobuf";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";

import { ControlService } from "@glassline/proto/control";
import { EdgeCacheService } from "@glassline/proto/edge";
import { RpcError } from "@glassline/proto/errors";
import { MeshAdminService } from "@glassline/proto/mesh";
import type { Implementation } from "@glassline/proto/rpc";
import { addService } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";
import { closeGrpc, listenGrpc } from "@glassline/service/grpc";
import type { Role } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { ephemeralPki } from "@glassline/service/pki";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";

import type { Action } from "../core/action.ts";
import { openFile, scratch } from "../stores/store.testing.ts";
import { carryOut } from "./carry-out.ts";
import type { EffectDeps } from "./effects.ts";

const HOST = "127.0.0.1";
const EVENTUALLY = { timeout: 20_000 };
const issue = await ephemeralPki();

/** A peer that writes down what it is asked, and refuses it. */
async function startPeer(service: DescService, role: Role) {
  const heard: string[] = [];
  const methods = service.methods.map(({ localName }) => [
    localName,
    async () => {
      heard.push(localName);
      throw new RpcError("failed_precondition", "it is only written down");
    },
  ]);
  const server = new grpc.Server();
  addService(server, service, Object.fromEntries(methods) as Implementation<DescService>);
  const identity = await issue({ role, instance: "a" });
  const port = await listenGrpc(server, "peer", HOST, 0, mutualTlsServer(identity));
  onTestFinished(() => closeGrpc(server, 0));
  return { heard, port };
}

/** Takes connections, and passes nothing on before it is opened. */
async function startGate(to: number) {
  const waiting: Socket[] = [];
  let isOpen = false;
  const pass = (socket: Socket) => {
    const far = connect(to, HOST);
    for (const one of [socket, far]) one.on("error", () => {});
    socket.pipe(far).pipe(socket);
  };
  const server = createServer((socket) => (isOpen ? pass(socket) : waiting.push(socket)));
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  onTestFinished(() => void server.close());
  return {
    port: (server.address() as AddressInfo).port,
    waiting,
    open: () => {
      isOpen = true;
      waiting.forEach(pass);
    },
  };
}

test.each<[Action, string, DescService, Role]>([
  [{ kind: "flush", target: "a" }, "purge", EdgeCacheService, "edge-cache"],
  [{ kind: "prime", target: "a" }, "prime", EdgeCacheService, "edge-cache"],
  [{ kind: "re-route", target: "a" }, "setDraining", EdgeCacheService, "edge-cache"],
  [{ kind: "drain", target: "a" }, "setDraining", EdgeCacheService, "edge-cache"],
  [{ kind: "restart-link", target: "a/b" }, "restartLink", MeshAdminService, "mesh-node"],
  [{ kind: "rotate-keys", target: "a/b" }, "rotateKeys", MeshAdminService, "mesh-node"],
  [{ kind: "restart-collector", target: "a" }, "restart", ControlService, "collector"],
])("%o waits behind the kill switch", async (action, asked, service, role) => {
  const { journal, ...led } = await openFile(scratch(), () => systemClock.nowUnixNano());
  onTestFinished(() => led[Symbol.asyncDispose]());
  const { heard, port } = await startPeer(service, role);
  const gate = await startGate(port);
  const identity = await issue({ role: "opsbot", instance: "opsbot" });
  const client = peerClient(service, { name: "a", host: HOST, port: gate.port }, role, identity);
  onTestFinished(() => client[Symbol.dispose]());
  const clients = new Map([["a", client]]);
  const channels = { refresh: async () => [{ name: "cam", path: "/live/cam/index.m3u8" }] };
  const network = { edges: clients, meshNodes: clients, collectors: clients, channels };
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const deps = {
    network,
    clock: systemClock,
    edgeToken: "token",
    fencingToken: 1n,
    isHeld: () => journal.guard.isKilled(),
    signal: stop.signal,
  } as unknown as EffectDeps;

  const intent = { idempotencyKey: "key", incidentId: 1, generation: 0, action };
  const effect = carryOut(intent, deps).catch((error: Error) => error.message);
  await expect.poll(() => gate.waiting.length, EVENTUALLY).toBeGreaterThan(0);
  const kill = { kind: "kill", target: "", untilMs: 1, who: "anna" } as const;
  await journal.transactAnyway(({ guard }) => guard.order(kill));
  gate.open();
  await systemClock.sleep(1_000);
  expect(heard).toEqual([]);

  await journal.transactAnyway(({ guard }) => guard.lift("kill", ""));
  await expect.poll(() => heard, EVENTUALLY).toEqual([asked]);
  expect(await effect).toMatch(/only written down/);
});
