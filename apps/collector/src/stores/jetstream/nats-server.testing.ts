/** Servers of NATS with JetStream as a cluster on loopback, each with a folder of its own. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePorts } from "@glassline/bench/ports";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { describe } from "vitest";

/** Debian's package puts it where only root's PATH looks. */
const NATS_SERVER =
  process.env["NATS_SERVER"] ??
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"]
    .map((folder) => join(folder, "nats-server"))
    .find((path) => existsSync(path));

/** `describe`, or a visible skip; in CI a missing server fails instead. */
export function describeWithNats(): typeof describe | typeof describe.skip {
  if (NATS_SERVER) return describe;
  if (process.env["CI"] === "true")
    throw new Error("nats-server: not on the PATH; CI must install it");
  describe.skip("skipped: no nats-server", () => {});
  return describe.skip;
}

export interface NatsCluster extends AsyncDisposable {
  servers: string[];
  /** SIGKILL, by number. */
  kill(server: number): Promise<void>;
  start(server: number): void;
  /** Resolves when JetStream makes streams with a replica on each server. */
  ready(): Promise<void>;
}

export interface TlsFiles {
  caFile: string;
  certificateFile: string;
  keyFile: string;
}

/** @param more arguments of each server. @param tls for asking them, when they want it. */
export async function startNats(
  count: 1 | 3,
  more: readonly string[] = [],
  tls?: TlsFiles,
): Promise<NatsCluster> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-nats-"));
  const ports = await freePorts(2 * count);
  const [clientPorts, clusterPorts] = [ports.slice(0, count), ports.slice(count)];
  const routes = clusterPorts.map((port) => `nats://127.0.0.1:${port}`).join(",");
  const running: (ChildProcess | undefined)[] = [];
  const start = (at: number) => {
    const data = join(directory, String(at));
    const cluster = ["--cluster_name", "test", "--routes", routes];
    const own = ["--cluster", `nats://127.0.0.1:${clusterPorts[at]}`];
    const server = ["-a", "127.0.0.1", "-p", String(clientPorts[at]), "-n", `server-${at}`];
    const args = [...server, "-js", "-sd", data, ...(count > 1 ? [...cluster, ...own] : [])];
    running[at] = spawn(NATS_SERVER!, [...args, ...more], { stdio: "ignore" });
  };
  const kill = async (at: number) => {
    const child = running[at];
    running[at] = undefined;
    if (child?.kill("SIGKILL")) await once(child, "exit");
  };
  const servers = clientPorts.map((port) => `nats://localhost:${port}`);
  for (let at = 0; at < count; at++) start(at);
  const cluster: NatsCluster = {
    servers,
    kill,
    start,
    ready: () => whenReady(servers, tls),
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map((_, at) => kill(at)));
      await rm(directory, { recursive: true, force: true });
    },
  };
  await cluster.ready();
  return cluster;
}

async function whenReady(servers: string[], files?: TlsFiles): Promise<void> {
  const tls = files && { ...files, certFile: files.certificateFile };
  for (let tries = 0; ; tries++) {
    try {
      const nc = await connect({ servers, timeout: 1_000, ...(tls && { tls }) });
      try {
        const manager = await jetstreamManager(nc, { timeout: 1_000 });
        await manager.streams.add({ name: "ready", num_replicas: servers.length });
        await manager.streams.delete("ready");
        return;
      } finally {
        await nc.close();
      }
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(200);
    }
  }
}
