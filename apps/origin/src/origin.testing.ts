/** An origin on real sockets whose clock a test turns, and an edge that asks it. */
import type { IncomingHttpHeaders } from "node:http";
import { Agent, request } from "node:https";

import { readConfig } from "@glassline/config";
import type { Clock } from "@glassline/service/clock";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { tlsOptions } from "@glassline/service/tls";

import { program } from "./config.ts";
import type { Origin } from "./origin.ts";
import { startOrigin } from "./origin.ts";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

export interface Question {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** The client leaves. */
  signal?: AbortSignal;
}

export interface OriginUnderTest extends AsyncDisposable {
  origin: Origin;
  /** As an edge. @param target path and query. */
  ask(target: string, question?: Question): Promise<Answer>;
  /** The sum of a metric whose line has the text. */
  metric(name: string, label?: string): Promise<number>;
}

export async function openOrigin(words: readonly string[], clock: Clock): Promise<OriginUnderTest> {
  const issue = await ephemeralPki();
  const ports = ["--port=0", "--grpc-port=0", "--admin-port=0"];
  const result = readConfig(program, { arguments: [...ports, ...words], environment: {} });
  if (!("config" in result)) throw new Error("got help, expected a configuration");
  const metrics = createMetrics("origin");
  const origin = await startOrigin(result.config, {
    identity: await issue({ role: "origin", instance: "origin" }),
    clock,
    metrics,
  });
  const edge = await issue({ role: "edge-cache", instance: "edge-1" });
  const agent = new Agent({ ...tlsOptions(edge), keepAlive: true, servername: "localhost" });
  return {
    origin,
    ask: (target, question = {}) => ask(agent, origin.addresses.port, target, question),
    async metric(name, label = "") {
      const lines = (await metrics.registry.metrics()).split("\n");
      return lines
        .filter((line) => line.startsWith(`glassline_${name}{`) && line.includes(label))
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await origin[Symbol.asyncDispose]();
    },
  };
}

function ask(
  agent: Agent,
  port: number,
  path: string,
  { method = "GET", headers = {}, body, signal }: Question,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { agent, host: "127.0.0.1", port, path, method, headers, signal };
    const outgoing = request({ ...options, checkServerIdentity: () => undefined }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const whole = Buffer.concat(chunks);
        const { statusCode = 0, headers: got } = incoming;
        resolve({ status: statusCode, headers: got, body: whole, text: whole.toString() });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Tries until the check gives a value that is not undefined; fails after 30 seconds. */
export async function eventually<T>(check: () => Promise<T | undefined>): Promise<T> {
  for (let turn = 0; turn < 3_000; turn++) {
    const value = await check();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("not within 30 seconds");
}
