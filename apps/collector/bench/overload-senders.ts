/** Who sends twice as much as is taken: gateways over OTQMN, and SDKs over OTLP/HTTP. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fleetRequests, pointsIn } from "./fleet-requests.ts";
import { startGlassline } from "./glassline.ts";
import { httpClient } from "./http-client.ts";
import type { Client } from "./load.ts";
import { Refusal } from "./load.ts";
import type { Case } from "./otqmn-ingestion.ts";
import { startLoaded } from "./otqmn-ingestion.ts";
import type { BenchProducer } from "./otqmn-producer.ts";
import type { Counts, OverloadTimes, Sender } from "./overload.ts";
import { aboutOverload, measureOverload } from "./overload.ts";
import { TOKEN } from "./system.ts";

const CAMERAS = 20;
const BODIES = 100;
/** Small, so that it is full before the measurement begins. */
const WORDS = ["--recent-size=16MiB", "--log-size=512MiB"];
/** As a camera's outbox has. */
const WAITING_MAX = 20_000;
const FULL_LOAD_REQUESTS = 16;
const CONNECTIONS = 1_000;
const GATEWAYS: Case = { streams: 8, cameras: CAMERAS, inFlight: 16 };

export async function measureOverloads(isQuick: boolean): Promise<void> {
  aboutOverload();
  const times = isQuick
    ? { warmupMs: 5_000, measureMs: 3_000, overloadMs: 5_000 }
    : { warmupMs: 30_000, measureMs: 10_000, overloadMs: 60_000 };
  await gateways(times);
  await otlp(times);
}

async function gateways(times: OverloadTimes): Promise<void> {
  await using loaded = await startLoaded(GATEWAYS, { words: WORDS });
  await measureOverload(loaded.running, gatewaySender(loaded.producers), times);
}

function gatewaySender(producers: readonly BenchProducer[]): Sender {
  const sum = (of: (producer: BenchProducer) => number) =>
    producers.reduce((total, producer) => total + of(producer), 0);
  let turn = 0;
  return {
    protocol: "otqmn",
    receiver: "otqmn",
    pointsPerMessage: pointsIn(CAMERAS),
    // Producers do so by themselves.
    start: () => {},
    pace: async () => {
      for (const producer of producers) producer.pace();
      while (sum(({ waiting }) => waiting) > 0)
        await new Promise((resolve) => setTimeout(resolve, 10));
    },
    offer: (batches) => {
      let dropped = 0;
      for (let left = batches; left > 0; left--)
        dropped += producers[turn++ % producers.length]!.offer(1, WAITING_MAX);
      return dropped;
    },
    counts: () => {
      const failure = producers.find((producer) => producer.failure)?.failure;
      if (failure !== undefined) throw new Error(`a producer failed: ${failure}`);
      return { acknowledged: sum(({ acknowledged }) => acknowledged), refused: 0, failed: 0 };
    },
    waiting: () => sum(({ waiting }) => waiting),
  };
}

async function otlp(times: OverloadTimes): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const running = stack.use(await startGlassline(directory, [], WORDS));
  const client = stack.use(httpClient(running.httpPort, "identity", TOKEN, CONNECTIONS));
  const requests = fleetRequests(CAMERAS, BODIES, BigInt(Date.now()) * 1_000_000n);
  await measureOverload(
    running,
    new OtlpSender(
      client,
      requests.map((body) => Buffer.from(body)),
    ),
    times,
  );
}

class OtlpSender implements Sender {
  readonly protocol = "otlp/http";
  readonly receiver = "otlp";
  readonly pointsPerMessage = pointsIn(CAMERAS);
  readonly #client: Client;
  readonly #bodies: readonly Buffer[];
  readonly #counts: Counts = { acknowledged: 0, refused: 0, failed: 0 };
  #next = 0;
  #inFlight = 0;
  #isPaced = false;

  constructor(client: Client, bodies: readonly Buffer[]) {
    this.#client = client;
    this.#bodies = bodies;
  }

  /** All connections are there from the beginning: memory should grow by load, and not by them. */
  start(): void {
    const nothing = Buffer.alloc(0);
    for (let each = 0; each < CONNECTIONS; each++)
      this.#client.send(nothing).catch(() => this.#counts.failed++);
    for (let each = 0; each < FULL_LOAD_REQUESTS; each++) void this.#keepSending();
  }

  async pace(): Promise<void> {
    this.#isPaced = true;
    while (this.#inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  offer(requests: number): number {
    const taken = Math.min(requests, CONNECTIONS - this.#inFlight);
    for (let each = 0; each < taken; each++) void this.#send();
    return requests - taken;
  }

  counts(): Counts {
    return { ...this.#counts };
  }

  waiting(): number {
    return this.#inFlight;
  }

  async #keepSending(): Promise<void> {
    while (!this.#isPaced) await this.#send();
  }

  async #send(): Promise<void> {
    this.#inFlight++;
    try {
      await this.#client.send(this.#bodies[this.#next++ % this.#bodies.length]!);
      this.#counts.acknowledged++;
    } catch (error) {
      if (error instanceof Refusal) this.#counts.refused++;
      else this.#counts.failed++;
    } finally {
      this.#inFlight--;
    }
  }
}
