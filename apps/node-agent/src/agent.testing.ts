/** Agents as processes of their own, for tests. */
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { freePort } from "@glassline/bench/ports";
import type { EdgeState, GetStatusResponse, SegmentState } from "@glassline/proto/node";
import { NodeAgentService } from "@glassline/proto/node";
import type { Client } from "@glassline/proto/rpc";
import { createClient } from "@glassline/proto/rpc";
import { RECONNECT_OPTIONS } from "@glassline/service/grpc";
import { readIdentity } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import { vi } from "vitest";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const PATIENCE_MS = 30_000;

/** Certificates of agents "agent-1" to "agent-3", edges "edge-1" to "edge-3" and OpsBot. */
export async function makePki(): Promise<{ directory: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-pki-"));
  const numbered = [1, 2, 3].flatMap((number) => [
    { role: "node-agent", instance: `agent-${number}` } as const,
    { role: "edge-cache", instance: `edge-${number}` } as const,
  ]);
  await ensureDevelopmentPki(directory, [{ role: "opsbot", instance: "opsbot" }, ...numbered]);
  return {
    directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

export interface AgentProcess extends AsyncDisposable {
  /** OpsBot's. */
  client: Client<typeof NodeAgentService>;
  /** "localhost:1234" */
  address: string;
  dataDir: string;
  /** Resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** After its end, with the same words. */
  start(): Promise<void>;
  /** After its end: it knows neither what was wished nor what it started. */
  forget(): Promise<void>;
  status(): Promise<GetStatusResponse>;
  /** Waits until an edge or a segment is as the check wants it. */
  edge(name: string, check: (state: EdgeState) => boolean): Promise<EdgeState>;
  segment(name: string, check: (state: SegmentState) => boolean): Promise<SegmentState>;
}

/** Agent number n stands for "machine-n". */
export async function startAgent(
  number: number,
  pkiDir: string,
  ...words: string[]
): Promise<AgentProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), "glassline-agent-"));
  const port = await freePort();
  let child: ChildProcess;
  const start = async () => {
    const all = [
      `--name=agent-${number}`,
      `--machine=machine-${number}`,
      `--port=${port}`,
      "--admin-port=0",
      `--pki-dir=${pkiDir}`,
      `--data-dir=${dataDir}`,
      "--restart-pause=100ms",
      "--edge-drain=100ms",
      "--log-level=silent",
      ...words,
    ];
    child = fork(MAIN, all, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => {
        throw new Error(`node-agent: got exit code ${String(code)}, expected it to be ready`);
      }),
    ]);
  };
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  };
  const dispose = async () => {
    await end("SIGTERM");
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  const identity = await readIdentity(pkiDir, { role: "opsbot", instance: "opsbot" });
  const credentials = mutualTlsClient(identity, "node-agent");
  const options = { ...TLS_CHANNEL_OPTIONS, ...RECONNECT_OPTIONS };
  const client = createClient(NodeAgentService, `localhost:${port}`, credentials, options);
  const until = <T>(find: (status: GetStatusResponse) => T | undefined): Promise<T> =>
    vi.waitUntil(
      async () => {
        // It may have been started just now.
        const status = await client.getStatus({}).catch(() => undefined);
        return status && find(status);
      },
      { timeout: PATIENCE_MS, interval: 50 },
    );
  return {
    client,
    address: `localhost:${port}`,
    dataDir,
    end,
    start,
    forget: async () => {
      const files = (await readdir(dataDir)).filter((name) => name.includes(".sqlite"));
      for (const name of files) await rm(join(dataDir, name));
    },
    status: () => client.getStatus({}),
    edge: (name, check) =>
      until(({ edges }) => edges.find((state) => state.spec?.name === name && check(state))),
    segment: (name, check) =>
      until(({ segments }) =>
        segments.find((state) => state.segment?.name === name && check(state)),
      ),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await dispose();
    },
  };
}

/** @param ports its viewers', its gRPC's and its admin's. */
export const edgeSpec = (number: number, ports: readonly number[], more: object = {}) => ({
  name: `edge-${number}`,
  machine: `machine-${number}`,
  port: ports[0]!,
  grpcPort: ports[1]!,
  adminPort: ports[2]!,
  publicUrl: `http://localhost:${ports[0]}`,
  originUrl: "https://localhost:1",
  generation: 1n,
  ...more,
});

export function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

export const isGone = (processId: number): Promise<boolean> =>
  vi.waitUntil(() => !isAlive(processId), { timeout: PATIENCE_MS, interval: 50 });
