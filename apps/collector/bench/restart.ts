/** All producers of a large fleet come back at once, because the collector was killed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { SERIES } from "@glassline/bench/fleet-model";
import { CAN_PIN } from "@glassline/bench/pinned-process";
import { about, report } from "@glassline/bench/report";
import type { Identity, PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";

import { AdmissionWatch } from "./admission-watch.ts";
import { metricOf } from "./collector-metrics.ts";
import { fleetRun } from "./fleet-runs.ts";
import { startGlassline } from "./glassline.ts";
import { quantile } from "./load.ts";
import { BenchProducer, producerNames } from "./otqmn-producer.ts";

const BENCH = "collector-restart";
/** What --admission-rate is by default, and as many at once after a rest. */
const RATE = 300;
const DONE_LIMIT_MS = 600_000;
const LOOK_MS = 50;

export async function measureRestart(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Producers, each with its own mutual TLS connection and a camera's batches, send one batch; the collector is killed (SIGKILL) and started again; all come back at once with one more. Each handshake, signature and key batch is real. " +
      `The collector lets ${RATE} in a second (--admission-rate), after ${RATE} at once; the others wait and hear heartbeats. Busiest second: the most that were let in within any second, by its own counter, which a thread looks at each 100 ms. Cut: streams that ended meanwhile and were opened again. ` +
      "Stored less acknowledged: by the collector's own counter, of both lives. Collector and producers have a core each.",
  );
  const count = isQuick ? 1_000 : 10_000;
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const names = producerNames(count, "camera");
  const producers = {
    names,
    incarnations: names.map(() => crypto.getRandomValues(new Uint8Array(16))),
  };
  for (const life of ["first", "again"] as const) await oneLife(directory, life, producers);
}

interface Producers {
  names: readonly PeerName[];
  incarnations: readonly Uint8Array[];
}

async function oneLife(
  directory: string,
  life: "first" | "again",
  { names, incarnations }: Producers,
): Promise<void> {
  await using running = await startGlassline(directory, names, [], { takesOtlp: false });
  const identities = await Promise.all(names.map((name) => readIdentity(running.pkiDir, name)));
  const batches = life === "first" ? 1 : 2;
  const startMs = performance.now();
  using admissions = new AdmissionWatch(running.adminPort);
  await using comers = new Comers(running.port, identities, incarnations, batches);
  await comers.done();
  const tookMs = performance.now() - startMs;
  const stored = await metricOf(running.adminPort, "points_stored_total", { receiver: "otqmn" });
  const params = { life, producers: names.length, pinned: CAN_PIN };
  const figure = (metric: string, value: number, unit: string) =>
    report(BENCH, metric, value, unit, params);
  const durables = Float64Array.from(comers.latenciesMs()).toSorted();
  figure("all_durable_after", tookMs / 1_000, "s");
  figure("busiest_second", await admissions.busiestSecond(), "producers");
  figure("batch_durable_p50", quantile(durables, 0.5), "ms");
  figure("batch_durable_p99", quantile(durables, 0.99), "ms");
  figure("cut", comers.cuts, "streams");
  figure("stored_less_acknowledged", stored - names.length * SERIES.length, "points");
  figure("resident_memory", running.process.residentBytes() / 2 ** 20, "MiB");
}

/** Each opens its stream at once, and again when it is cut. */
class Comers implements AsyncDisposable {
  readonly #port: number;
  readonly #identities: readonly Identity[];
  readonly #incarnations: readonly Uint8Array[];
  readonly #batches: number;
  readonly #producers: BenchProducer[];
  cuts = 0;

  constructor(
    port: number,
    identities: readonly Identity[],
    incarnations: readonly Uint8Array[],
    batches: number,
  ) {
    [this.#port, this.#identities] = [port, identities];
    [this.#incarnations, this.#batches] = [incarnations, batches];
    this.#producers = identities.map((_, at) => this.#open(at));
  }

  /** Resolves when all that each has sent is durable. */
  async done(): Promise<void> {
    const untilMs = performance.now() + DONE_LIMIT_MS;
    for (let left = this.#left(); left > 0; left = this.#left()) {
      if (performance.now() > untilMs)
        throw new Error(`${left} producers: got no end in ${DONE_LIMIT_MS} ms`);
      await delay(LOOK_MS);
    }
  }

  latenciesMs = (): number[] => this.#producers.flatMap((one) => one.takeLatenciesMs());

  async [Symbol.asyncDispose](): Promise<void> {
    for (const producer of this.#producers) producer[Symbol.dispose]();
    await delay(0);
  }

  #open(at: number): BenchProducer {
    const incarnation = this.#incarnations[at]!;
    const options = { port: this.#port, incarnation, batches: this.#batches, inFlightMax: 1 };
    return new BenchProducer({
      ...options,
      identity: this.#identities[at]!,
      run: fleetRun(at, 1, 1),
    });
  }

  /** Opens again what was cut. @returns how many have something to send yet. */
  #left(): number {
    let left = 0;
    for (const [at, producer] of this.#producers.entries()) {
      if (producer.acknowledged >= this.#batches) continue;
      left++;
      if (producer.failure === undefined) continue;
      this.cuts++;
      producer[Symbol.dispose]();
      this.#producers[at] = this.#open(at);
    }
    return left;
  }
}
