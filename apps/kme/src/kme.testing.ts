/** Two key managers with a link between them, in this process, for tests; SAEs are node-1 at kme-1 and node-2 at kme-2. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import type { KmeService } from "@glassline/proto/kme";
import { KmeService as Service } from "@glassline/proto/kme";
import type { Client } from "@glassline/proto/rpc";
import { KeyManagerClient } from "@glassline/quantum/key-delivery/client";
import { systemClock } from "@glassline/service/clock";
import type { Clock } from "@glassline/service/clock";
import type { Identity, PeerName } from "@glassline/service/identity";
import { createLogger } from "@glassline/service/logger";
import type { Metrics } from "@glassline/service/metrics";
import { createMetrics } from "@glassline/service/metrics";
import { peerClient } from "@glassline/service/peer-client";
import { ephemeralPki } from "@glassline/service/pki";
import { tlsOptions } from "@glassline/service/tls";
import { trace } from "@opentelemetry/api";

import { program } from "./config.ts";
import type { Kme } from "./kme.ts";
import { startKme } from "./kme.ts";

export interface Pair extends AsyncDisposable {
  /** kme-1, who sends the light, and kme-2. */
  kmes: readonly [Kme, Kme];
  metrics: readonly [Metrics, Metrics];
  issue: (name: PeerName) => Promise<Identity>;
  /** Of an SAE, at one of them. */
  sae: (instance: string, at: 0 | 1) => Promise<KeyManagerClient>;
  /** An operator's. */
  admin: (at: 0 | 1) => Promise<Client<typeof KmeService>>;
  /** From now on it is so much later. */
  wait: (lengthMs: number) => void;
  stop: (at: 0 | 1) => Promise<void>;
}

const SAES = ["--sae=node-1=kme-1", "--sae=node-2=kme-2", "--sae=node-3=kme-2"];
/** Soon a key, on any machine. */
const SOON = ["--frame-interval=5ms", "--block=15000", "--length-km=5"];

/** @param words more of them, of both. */
export async function startPair(...words: readonly string[]): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "glassline-kme-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "kme-1+kme-2.secret"), Buffer.alloc(32, 7));
  const issue = await ephemeralPki();
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
  const metrics = [createMetrics("kme"), createMetrics("kme")] as const;
  const start = async (at: 0 | 1, ...more: readonly string[]) => {
    const name = `kme-${at + 1}`;
    const given = [
      `--name=${name}`,
      "--port=0",
      "--grpc-port=0",
      "--admin-port=0",
      `--secret-dir=${folder}`,
      ...SAES,
      ...SOON,
      ...words,
      ...more,
    ];
    const read = readConfig(program, { arguments: given, environment: {} });
    if (!("config" in read)) throw new Error("got help, expected a configuration");
    return startKme(read.config, {
      identity: await issue({ role: "kme", instance: name }),
      clock,
      random: Math.random,
      logger: createLogger("kme", "silent"),
      metrics: metrics[at],
      stopping: new AbortController().signal,
      tracerProvider: trace.getTracerProvider(),
    });
  };
  const second = await start(1);
  const stops: (() => Promise<void>)[] = [];
  stops[1] = once(async () => second[Symbol.asyncDispose]());
  stack.defer(stops[1]);
  const first = await start(0, `--peer=kme-2=127.0.0.1:${second.addresses.grpcPort}`);
  stops[0] = once(async () => first[Symbol.asyncDispose]());
  stack.defer(stops[0]);
  const kmes = [first, second] as const;
  const clients = stack.use(new DisposableStack());
  const owned = stack.move();
  return {
    kmes,
    metrics,
    issue,
    sae: async (instance, at) =>
      clients.use(
        new KeyManagerClient({
          host: "127.0.0.1",
          port: kmes[at].addresses.port,
          kmeId: `kme-${at + 1}`,
          tls: tlsOptions(await issue({ role: "mesh-node", instance })),
        }),
      ),
    admin: async (at) => {
      const to = { name: `kme-${at + 1}`, host: "127.0.0.1", port: kmes[at].addresses.grpcPort };
      const identity = await issue({ role: "operator", instance: "local" });
      return clients.use(peerClient(Service, to, "kme", identity));
    },
    wait: (lengthMs) => (aheadMs += lengthMs),
    stop: (at) => stops[at]!(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
