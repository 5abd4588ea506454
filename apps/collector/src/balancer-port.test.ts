/** Who comes in by which door: load balancers by their own, to hand on streams, and nowhere else. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { create } from "@bufbuild/protobuf";
import { signHello } from "@glassline/otqmn/hello";
import type { StreamResponse } from "@glassline/proto/otqmn";
import { OtqmnService, StreamRequestSchema } from "@glassline/proto/otqmn";
import { QueryService } from "@glassline/proto/query";
import { createClient } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";
import type { PeerName } from "@glassline/service/identity";
import { ephemeralPki } from "@glassline/service/pki";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { Collector } from "./collector.ts";
import { startByFlags } from "./collector.testing.ts";

const BALANCER = { role: "load-balancer", instance: "lb-1" } as const;
const NODE = { role: "mesh-node", instance: "node-1" } as const;

let directory: string;
let collector: Collector;
let issue: Awaited<ReturnType<typeof ephemeralPki>>;

async function start(...words: string[]): Promise<void> {
  const common = ["--port=0", "--admin-port=0", "--balancer-port=0", `--data-dir=${directory}`];
  const identity = await issue({ role: "collector", instance: "collector" });
  collector = await startByFlags([...common, ...words], identity);
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "glassline-balancer-"));
  issue = await ephemeralPki();
});
afterEach(async () => {
  await collector[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** What is answered to node-1's Hello over a connection of another: "welcome", or what is wrong. */
async function answerTo(name: PeerName, port: number): Promise<string> {
  const credentials = mutualTlsClient(await issue(name), "collector");
  using client = createClient(OtqmnService, `localhost:${port}`, credentials, TLS_CHANNEL_OPTIONS);
  const producer = await issue(NODE);
  const opening = {
    producer: NODE.instance,
    incarnation: new Uint8Array(16).fill(7),
    firstUnackedSeq: 1n,
  };
  const stream = client.stream();
  const value = signHello(opening, producer, systemClock.nowUnixNano());
  stream.write(create(StreamRequestSchema, { message: { case: "hello", value } }));
  return await new Promise<string>((resolve) => {
    stream.on("data", ({ message }: StreamResponse) => resolve(message.case ?? "nothing"));
    stream.on("error", (error: grpc.ServiceError) => resolve(grpc.status[error.code]!));
  });
}

describe("a load balancer", () => {
  test("that is named hands on the stream of a producer, which its Hello proves", async () => {
    await start("--load-balancer=lb-1");
    expect(await answerTo(BALANCER, collector.addresses.balancerPort)).toBe("welcome");
  });

  test("that is not named is turned away", async () => {
    await start("--load-balancer=lb-1");
    const stranger = { ...BALANCER, instance: "lb-2" };
    expect(await answerTo(stranger, collector.addresses.balancerPort)).toBe("PERMISSION_DENIED");
  });

  test("is turned away at the port of producers, and producers at its own", async () => {
    await start("--load-balancer=lb-1");
    const { port, balancerPort } = collector.addresses;
    expect(await answerTo(BALANCER, port)).toBe("PERMISSION_DENIED");
    expect(await answerTo(NODE, balancerPort)).toBe("PERMISSION_DENIED");
  });

  test("asks nothing", async () => {
    await start("--load-balancer=lb-1");
    const { port, balancerPort } = collector.addresses;
    const statusFor = async (name: PeerName, at: number) => {
      const credentials = mutualTlsClient(await issue(name), "collector");
      using client = createClient(
        QueryService,
        `localhost:${at}`,
        credentials,
        TLS_CHANNEL_OPTIONS,
      );
      return await client.getStatus({}).then(
        () => "ok",
        (error: { code?: string }) => error.code,
      );
    };
    expect(await statusFor({ role: "operator", instance: "test" }, port)).toBe("ok");
    expect(await statusFor(BALANCER, port)).toBe("permission_denied");
    expect(await statusFor(BALANCER, balancerPort)).toBe("unimplemented");
  });

  test("finds no port when none is named", async () => {
    await start();
    expect(collector.addresses.balancerPort).toBe(0);
  });
});
