/** The agent as a process of its own, with real edges as its children. */
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { EdgeState } from "@glassline/proto/node";
import { EdgePhase, NodeAgentService } from "@glassline/proto/node";
import type { Client } from "@glassline/proto/rpc";
import { createClient } from "@glassline/proto/rpc";
import { RECONNECT_OPTIONS } from "@glassline/service/grpc";
import { readIdentity } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { openStateStore } from "./stores/state-store.ts";
import { survivors } from "./survivors.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const [PORT, ADMIN_PORT, EDGE_PORT] = [19_460, 19_461, 19_470];

let pkiDir: string;
let dataDir: string;
let agent: ChildProcess;
let client: Client<typeof NodeAgentService>;

beforeAll(async () => {
  pkiDir = await mkdtemp(join(tmpdir(), "glassline-pki-"));
  await ensureDevelopmentPki(pkiDir, [
    { role: "node-agent", instance: "node-agent" },
    { role: "opsbot", instance: "opsbot" },
    { role: "dashboard", instance: "dashboard" },
    { role: "edge-cache", instance: "edge-1" },
    { role: "edge-cache", instance: "edge-2" },
  ]);
});
afterAll(() => rm(pkiDir, { recursive: true, force: true }));
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "glassline-agent-"));
  await startAgent();
  client = await clientAs("opsbot");
});
afterEach(async () => {
  client[Symbol.dispose]();
  await endAgent("SIGTERM");
  await rm(dataDir, { recursive: true, force: true });
});

async function startAgent(): Promise<void> {
  const words = [
    `--port=${PORT}`,
    `--admin-port=${ADMIN_PORT}`,
    `--pki-dir=${pkiDir}`,
    `--data-dir=${dataDir}`,
    "--machine=machine-1",
    "--machine=machine-2",
    "--restart-pause=100ms",
    "--edge-drain=100ms",
    "--log-level=silent",
  ];
  agent = fork(MAIN, words, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [message] = (await once(agent, "message")) as [object];
  expect(message).toHaveProperty("ready");
}

async function endAgent(signal: NodeJS.Signals): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = once(agent, "exit");
  agent.kill(signal);
  await ended;
}

async function clientAs(role: "opsbot" | "dashboard"): Promise<Client<typeof NodeAgentService>> {
  const identity = await readIdentity(pkiDir, { role, instance: role });
  const credentials = mutualTlsClient(identity, "node-agent");
  const options = { ...TLS_CHANNEL_OPTIONS, ...RECONNECT_OPTIONS };
  return createClient(NodeAgentService, `localhost:${PORT}`, credentials, options);
}

function forgetProcessId(edge: string): void {
  using store = openStateStore(dataDir);
  const started = store.started().find(({ spec: { name } }) => name === edge)!;
  store.setStarted({ ...started, processId: 0 });
}

const spec = (number: number, more: object = {}) => ({
  name: `edge-${number}`,
  machine: `machine-${number}`,
  port: EDGE_PORT + number,
  grpcPort: EDGE_PORT + 10 + number,
  adminPort: EDGE_PORT + 20 + number,
  publicUrl: `http://localhost:${EDGE_PORT + number}`,
  originUrl: "https://localhost:1",
  generation: 1n,
  ...more,
});

const wish = (fencingToken: bigint, ...edges: ReturnType<typeof spec>[]) =>
  client.setDesiredState({ fencingToken, edges });

/** Waits until an edge is as the check wants it. */
async function edge(number: number, check: (state: EdgeState) => boolean): Promise<EdgeState> {
  const deadlineMs = performance.now() + 15_000;
  for (;;) {
    const { edges } = await client.getStatus({}).catch(() => ({ edges: [] as EdgeState[] }));
    const state = edges.find((each) => each.spec?.name === `edge-${number}`);
    if (state && check(state)) return state;
    if (performance.now() > deadlineMs)
      throw new Error(
        `edge-${number}: got ${JSON.stringify(state, (_, value: unknown) => (String(value) === "[object Object]" ? value : String(value)))}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const isReady = ({ phase }: EdgeState) => phase === EdgePhase.READY;

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

async function isGone(processId: number): Promise<void> {
  for (let tries = 0; tries < 200 && isAlive(processId); tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isAlive(processId)).toBe(false);
}

describe("a node-agent", { timeout: 60_000 }, () => {
  test("runs what is wished, leaves it alone when the wish is the same, and stops what is wished no more", async () => {
    expect(await wish(1n, spec(1), spec(2))).toMatchObject({ changed: true });
    const [first, second] = [await edge(1, isReady), await edge(2, isReady)];
    expect(first).toMatchObject({ machine: "machine-1", generation: 1n, unexpectedEnds: 0 });
    expect(await wish(1n, spec(1), spec(2))).toMatchObject({ changed: false });
    expect(await wish(2n, spec(1))).toMatchObject({ changed: true });
    await isGone(second.processId);
    expect((await edge(1, isReady)).processId).toBe(first.processId);
  });

  test("starts an edge again that was killed, and tells how it ended", async () => {
    await wish(1n, spec(1));
    const before = await edge(1, isReady);
    process.kill(before.processId, "SIGKILL");
    const after = await edge(1, (state) => isReady(state) && state.processId !== before.processId);
    expect(after).toMatchObject({ unexpectedEnds: 1, lastEnd: "SIGKILL" });
  });

  test("starts an edge anew for a higher generation, also one that hangs", async () => {
    await wish(1n, spec(1));
    const before = await edge(1, isReady);
    process.kill(before.processId, "SIGSTOP");
    await edge(1, ({ phase }) => phase !== EdgePhase.READY);
    await wish(1n, spec(1, { generation: 2n }));
    const after = await edge(1, (state) => isReady(state) && state.generation === 2n);
    expect(after.processId).not.toBe(before.processId);
    expect(after.unexpectedEnds).toBe(0);
    expect(isAlive(before.processId)).toBe(false);
  });

  test("is survived by its edges, and takes them over again", async () => {
    await wish(3n, spec(1), spec(2));
    const before = [await edge(1, isReady), await edge(2, isReady)];
    await endAgent("SIGKILL");
    expect(before.every(({ processId }) => isAlive(processId))).toBe(true);
    const names = async () => (await survivors(dataDir)).map(({ name }) => name);
    expect(await names()).toEqual(["edge-1", "edge-2"]);
    // One ends while nobody looks.
    process.kill(before[1]!.processId, "SIGKILL");
    await isGone(before[1]!.processId);
    expect(await names()).toEqual(["edge-1"]);
    // As if the agent had ended before it knew the number of the process that it started.
    forgetProcessId("edge-1");
    expect(await names()).toEqual(["edge-1"]);
    await startAgent();
    expect((await edge(1, isReady)).processId).toBe(before[0]!.processId);
    expect(await edge(2, isReady)).toMatchObject({
      unexpectedEnds: 1,
      lastEnd: "it ended while the agent was away",
    });
    // An adopted edge that ends is noticed too.
    process.kill(before[0]!.processId, "SIGKILL");
    const again = await edge(
      1,
      (state) => isReady(state) && state.processId !== before[0]!.processId,
    );
    await endAgent("SIGTERM");
    await isGone(again.processId);
    await startAgent();
  });

  test("refuses whoever was replaced, may not wish, or wishes nonsense; its edges stay", async () => {
    await wish(5n, spec(1));
    const { processId } = await edge(1, isReady);
    await expect(wish(4n)).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining("got 4, expected at least 5") as string,
    });
    await expect(wish(0n)).rejects.toMatchObject({ code: "failed_precondition" });
    for (const [bad, reason] of [
      [{ name: "Edge 1; rm" }, /name of an edge/],
      [{ machine: "elsewhere" }, /machine-1 or machine-2/],
      [{ port: 0 }, /port of edge-1/],
      [{ grpcPort: EDGE_PORT + 1 }, /different ones/],
      [{ originUrl: "file:///etc/passwd" }, /address of edge-1/],
    ] as const)
      await expect(wish(5n, spec(1, bad))).rejects.toThrow(reason);
    using dashboard = await clientAs("dashboard");
    await expect(dashboard.setDesiredState({ fencingToken: 9n })).rejects.toMatchObject({
      code: "permission_denied",
    });
    await endAgent("SIGKILL");
    await startAgent();
    await expect(wish(4n)).rejects.toMatchObject({ code: "failed_precondition" });
    expect((await edge(1, isReady)).processId).toBe(processId);
  });
});
