/** An edge in this process, for tests: started by its flags, quiet, with metrics of its own; and origins of node:http. */
import { once } from "node:events";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { freePorts } from "@glassline/bench/ports";
import { readConfig } from "@glassline/config";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { trace } from "@opentelemetry/api";

import { program } from "./config.ts";
import { adminCall } from "./edge-admin.testing.ts";
import type { EdgeCache } from "./edge-cache.ts";
import { startEdgeCache } from "./edge-cache.ts";

export interface Started {
  /** Of the same certificate authority; undefined: one of its own. */
  issue?: Awaited<ReturnType<typeof ephemeralPki>>;
  /** Aborted: it has been asked to stop. */
  stopping?: AbortSignal;
}

/** @param origin "http://127.0.0.1:8000". */
export async function startEdge(
  origin: string,
  words: readonly string[] = [],
  { issue: issued, stopping = new AbortController().signal }: Started = {},
): Promise<EdgeCache> {
  const ports = ["port", "grpc-port", "admin-port"]
    .filter((name) => !words.some((word) => word.startsWith(`--${name}=`)))
    .map((name) => `--${name}=0`);
  const given = [`--origin=${origin}`, ...ports, ...words];
  const result = readConfig(program, { arguments: given, environment: {} });
  if (!("config" in result)) throw new Error("got help, expected a configuration");
  const issue = issued ?? (await ephemeralPki());
  return startEdgeCache(result.config, {
    identity: await issue({ role: "edge-cache", instance: result.config.name }),
    clock: systemClock,
    random: Math.random,
    logger: createLogger("edge-cache", "silent"),
    metrics: createMetrics("edge-cache"),
    stopping,
    tracerProvider: trace.getTracerProvider(),
  });
}

export interface TestCluster extends AsyncDisposable {
  /** Base addresses for viewers, in the order of names: "http://127.0.0.1:1234". */
  bases: readonly string[];
  start(at: number): Promise<EdgeCache>;
  stop(at: number): Promise<void>;
  edge(at: number): EdgeCache;
  /** Resolves when those that run use each other. */
  settled(): Promise<void>;
  issue: Awaited<ReturnType<typeof ephemeralPki>>;
}

/**
 * Edges named "edge-1" and so on, one cluster, in front of an origin.
 * @param reached where others find a cluster port.
 */
export async function startCluster(
  origin: string,
  count: number,
  words: readonly string[] = [],
  reached: (port: number, at: number) => Promise<number> = async (port) => port,
): Promise<TestCluster> {
  const issue = await ephemeralPki();
  const all = await freePorts(2 * count);
  const [ports, clusterPorts] = [all.slice(0, count), all.slice(count)];
  const reachedPorts = await Promise.all(clusterPorts.map(reached));
  const running = new Map<number, EdgeCache>();
  const others = (at: number) => ports.flatMap((_port, other) => (other === at ? [] : [other]));
  const start = async (at: number) => {
    const members = others(at).map(
      (other) => `--member=edge-${other + 1}=https://127.0.0.1:${reachedPorts[other]}`,
    );
    const own = [`--name=edge-${at + 1}`, `--cluster-port=${clusterPorts[at]}`];
    const edge = await startEdge(origin, [...own, ...members, ...words, `--port=${ports[at]}`], {
      issue,
    });
    running.set(at, edge);
    return edge;
  };
  const stop = async (at: number) => {
    const edge = running.get(at);
    running.delete(at);
    await edge?.[Symbol.asyncDispose]();
  };
  for (const at of ports.keys()) await start(at);
  return {
    bases: ports.map((port) => `http://127.0.0.1:${port}`),
    start,
    stop,
    edge: (at) => running.get(at)!,
    settled: () => settled([...running.values()]),
    issue,
    [Symbol.asyncDispose]: async () => {
      for (const at of running.keys()) await stop(at);
    },
  };
}

async function settled(edges: readonly EdgeCache[]): Promise<void> {
  const untilMs = performance.now() + SETTLE_TIMEOUT_MS;
  for (const { addresses } of edges)
    for (;;) {
      const { members = [] } = await statusOf(addresses.adminPort);
      if (members.filter(({ usable }) => usable).length === edges.length - 1) break;
      if (performance.now() > untilMs)
        throw new Error(`members: got ${JSON.stringify(members)}, expected all to be usable`);
      await delay(20);
    }
}

const SETTLE_TIMEOUT_MS = 10_000;

interface Status {
  members?: { edge: string; usable?: boolean }[];
  objects?: number;
  recent?: { requests?: Record<string, string> };
}

export async function statusOf(adminPort: number): Promise<Status> {
  return adminCall(adminPort)("GetStatus", {});
}

export interface TestOrigin extends AsyncDisposable {
  url: string;
  server: Server;
  /** What came: "GET /path", in order. */
  asked: string[];
}

export async function startOrigin(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<TestOrigin> {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    void answer(request, response);
  };
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    asked,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
