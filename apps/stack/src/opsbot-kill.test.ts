/** OpsBot killed between intent and effect, and between effect and result: it finishes, and what it did happened once. */
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { EdgeCacheService } from "@glassline/proto/edge";
import { jsonClient } from "@glassline/proto/json";
import type { GetIncidentResponse } from "@glassline/proto/opsbot";
import { EntryKind, IncidentPhase, OpsBotService } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";
import { addService, createClient } from "@glassline/proto/rpc";
import { RECONNECT_OPTIONS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { readIdentity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient, mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";

import { Testbed, eventually } from "./testing/testbed.ts";

const TOKEN = "a-token-of-this-test";
const MAIN = fileURLToPath(import.meta.resolve("@glassline/opsbot/main"));
const [OPSBOT_PORT, OPSBOT_ADMIN_PORT, DOOR_PORT] = [19_564, 19_565, 19_566];

/** Stands in front of a real edge, and holds a purge before it gets there, or its answer before it gets back. */
class Door {
  holds: "nothing" | "request" | "answer" = "nothing";
  held = 0;
  passed = 0;
  #open: () => void = () => {};

  async purge<T>(pass: () => Promise<T>): Promise<T> {
    if (this.holds === "request") await this.#hold();
    const answer = await pass();
    this.passed++;
    if (this.holds === "answer") await this.#hold();
    return answer;
  }

  open(): void {
    this.holds = "nothing";
    this.#open();
  }

  #hold(): Promise<void> {
    this.held++;
    return new Promise((resolve) => (this.#open = resolve));
  }
}

test.each(["request", "answer"] as const)(
  "killed while the %s of its action is under way, OpsBot finishes it once",
  { timeout: 60_000 },
  async (held) => {
    await using stack = new AsyncDisposableStack();
    const bed = stack.use(await Testbed.open());
    const origin = await bed.origin();
    const edge = await bed.edge("edge-1", origin.addresses.port, { "admin-token": TOKEN });
    await fetch(`http://localhost:${edge.addresses.port}/live/cam-0001/index.m3u8`);
    const edgeAdmin = jsonClient(EdgeCacheService, `http://localhost:${edge.addresses.adminPort}`);
    const pkiDir = join(bed.directory, "pki");
    await ensureDevelopmentPki(pkiDir, [
      { role: "opsbot", instance: "opsbot" },
      { role: "edge-cache", instance: "edge-1" },
      { role: "operator", instance: "local" },
    ]);

    const door = new Door();
    await startDoor(door, bed, edge.addresses.grpcPort, pkiDir, stack);
    let opsbot = await startOpsBot(bed.directory, pkiDir);
    onTestFinished(() => void opsbot.kill("SIGKILL"));
    const operator = await readIdentity(pkiDir, { role: "operator", instance: "local" });
    const client: Client<typeof OpsBotService> = stack.use(
      createClient(OpsBotService, `localhost:${OPSBOT_PORT}`, mutualTlsClient(operator, "opsbot"), {
        ...TLS_CHANNEL_OPTIONS,
        ...RECONNECT_OPTIONS,
      }),
    );

    door.holds = held;
    void client.chat({ text: "flush edge-1", mayChange: true }).catch(() => {});
    await eventually("the action is under way", () => (door.held > 0 ? true : undefined));
    const killed = once(opsbot, "exit");
    opsbot.kill("SIGKILL");
    await killed;
    door.open();
    opsbot = await startOpsBot(bed.directory, pkiDir);

    const story = await eventually(
      "the incident is closed",
      async (): Promise<GetIncidentResponse | undefined> => {
        const found = await client.getIncident({ id: 1n });
        return found.incident?.phase === IncidentPhase.RESOLVED ? found : undefined;
      },
    );
    const kinds = story.entries.map(({ kind }) => kind);
    expect(kinds).toEqual([EntryKind.SEEN, EntryKind.INTENT, EntryKind.DONE, EntryKind.CLOSED]);
    const { actionsDone } = await edgeAdmin.getStatus();
    expect(actionsDone["purge"]).toBe(1n);
    expect(door.passed).toBeGreaterThanOrEqual(1);
    expect((await client.listIncidents({})).incidents).toHaveLength(1);
  },
);

async function startDoor(
  door: Door,
  bed: Testbed,
  edgePort: number,
  pkiDir: string,
  stack: AsyncDisposableStack,
): Promise<void> {
  const inner = stack.use(
    createClient(
      EdgeCacheService,
      `localhost:${edgePort}`,
      mutualTlsClient(await bed.identity({ role: "opsbot", instance: "opsbot" }), "edge-cache"),
      TLS_CHANNEL_OPTIONS,
    ),
  );
  const server = new grpc.Server();
  const authorization = `Bearer ${TOKEN}`;
  addService(server, EdgeCacheService, {
    getStatus: (request) => inner.getStatus(request),
    prime: (request) => inner.prime(request, { authorization }),
    purge: (request) => door.purge(() => inner.purge(request, { authorization })),
  });
  const identity = await readIdentity(pkiDir, { role: "edge-cache", instance: "edge-1" });
  await listenGrpc(server, "door", "127.0.0.1", DOOR_PORT, mutualTlsServer(identity));
  stack.defer(() => closeGrpc(server, 100));
}

async function startOpsBot(directory: string, pkiDir: string): Promise<ChildProcess> {
  const words = [
    `--port=${OPSBOT_PORT}`,
    `--admin-port=${OPSBOT_ADMIN_PORT}`,
    `--pki-dir=${pkiDir}`,
    `--data-dir=${join(directory, "opsbot")}`,
    `--edge=edge-1=localhost:${DOOR_PORT}`,
    `--edge-token=${TOKEN}`,
    "--log-level=silent",
  ];
  const child = fork(MAIN, words, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [message] = (await once(child, "message")) as [object];
  expect(message).toHaveProperty("ready");
  return child;
}
