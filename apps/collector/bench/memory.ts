/** What a collector keeps in memory: at rest, for each stream, and for a large fleet. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { SERIES } from "@glassline/bench/fleet-model";
import { about, report } from "@glassline/bench/report";
import type { PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";

import { fleetRun } from "./fleet-runs.ts";
import type { RunningGlassline } from "./glassline.ts";
import { startGlassline } from "./glassline.ts";
import { BenchProducer, producerNames } from "./otqmn-producer.ts";
import type { ProcessMemory } from "@glassline/bench/proc";

const BENCH = "collector-memory";
const MIB = 2 ** 20;
/** Streams that are there before those that are measured: the code is compiled then, and heaps have grown. */
const FIRST_STREAMS = 50;
const BATCHES = { stream: 10, fleet: 4 } as const;
const SENT_LIMIT_MS = 120_000;
const OPENED_AT_ONCE = 20;
const RECENT = "--recent-size=16MiB";

export async function measureMemory(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "A collector's own process as `npm run start` starts it (the second start: the first one fills Node's compile cache). Proportional memory shares Node's pages with the benchmark. " +
      "Goals: 80 MiB resident at rest; 120 KiB for a stream of one camera on its own TLS connection, 450 with zstd (ours keeps no zstd state for a stream); 400 MiB for 100,000 " +
      "cameras by 500 gateways, here with a small window of recent points (--recent-size=16MiB; its default of 256 MiB is a budget of its own). What bounds them. At rest: about 51 MiB " +
      "are pages of Node's program, 34 in a Node that does nothing; as one minified bundle the same collector took 73 to 74. A stream: 89 KiB in Node without " +
      "anything of ours (a TLS socket alone 71); the rest is grpc-js, the codec's some 40 models a camera, and what V8 has not collected yet. The fleet, counted by structures (bytes a series, heap and array buffers " +
      "together): 50 in the table and in the slots of streams, 38 in decoders, of which 12 are the last values and most of the rest models; while blocks are made 39 more in the thread, which decodes the same " +
      "streams once more. With 100,000 cameras that is 200 MiB, and 90 for the thread. The rest does not grow with series: 105 MiB of a process without streams, some 60 MiB of native memory and as much of " +
      "V8's for 500 streams by TLS, 64 MiB of V8's young generation, and what has not been collected yet. After the thread has ended glibc keeps about 100 MiB of its memory, " +
      "which malloc_trim gives back: on another machine 680 MiB became 575; MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ of 256 KiB left 590, but no less while blocks are made. " +
      "A young generation of 8 MiB in both threads took some 60 MiB off.",
  );
  await atRest();
  await ofStreams(isQuick ? 200 : 1_000, isQuick ? 5_000 : 20_000);
  await ofFleet(isQuick ? 50 : 500, isQuick ? 15_000 : 30_000);
}

async function atRest(): Promise<void> {
  for (const start of ["first", "second"] as const)
    await started([], [], async ({ process: running }) => {
      await delay(5_000);
      if (start === "second") tell("at_rest", running.memory(), {});
    });
}

async function ofStreams(streams: number, settleMs: number): Promise<void> {
  const names = producerNames(FIRST_STREAMS + streams);
  await started(names, [], async (running) => {
    await using producers = new Producers(running, names, 1, BATCHES.stream);
    await producers.open(FIRST_STREAMS);
    await delay(settleMs);
    const before = running.process.memory();
    await producers.open(streams);
    await delay(settleMs);
    const after = running.process.memory();
    const params = { streams, points: BATCHES.stream * SERIES.length };
    const kib = (key: keyof ProcessMemory) => (after[key] - before[key]) / streams / 1_024;
    report(BENCH, "stream_resident", kib("residentBytes"), "KiB", params);
    report(BENCH, "stream_anonymous", kib("anonymousBytes"), "KiB", params);
  });
}

async function ofFleet(gateways: number, settleMs: number): Promise<void> {
  const names = producerNames(gateways);
  const settings = [RECENT, "--segment-size=64MiB"];
  await started(names, settings, async (running) => {
    await using producers = new Producers(running, names, 200, BATCHES.fleet);
    await producers.open(gateways);
    const fleet = { cameras: 200 * gateways, gateways, seriesPerCamera: SERIES.length };
    const params = { ...fleet, settings: settings.join(" ") };
    tell("fleet_while_blocks_are_made", running.process.memory(), params);
    await delay(settleMs);
    tell("fleet", running.process.memory(), params);
  });
}

function tell(
  what: string,
  { residentBytes, proportionalBytes, anonymousBytes }: ProcessMemory,
  params: Readonly<Record<string, string | number>>,
): void {
  report(BENCH, `${what}_resident`, residentBytes / MIB, "MiB", params);
  report(BENCH, `${what}_proportional`, proportionalBytes / MIB, "MiB", params);
  report(BENCH, `${what}_anonymous`, anonymousBytes / MIB, "MiB", params);
}

async function started(
  names: readonly PeerName[],
  words: readonly string[],
  measure: (running: RunningGlassline) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  await measure(stack.use(await startGlassline(directory, names, words, { takesOtlp: false })));
}

/** Each sends some batches, and then only heartbeats. */
class Producers implements AsyncDisposable {
  readonly #running: RunningGlassline;
  readonly #names: readonly PeerName[];
  readonly #cameras: number;
  readonly #batches: number;
  readonly #opened: BenchProducer[] = [];

  constructor(
    running: RunningGlassline,
    names: readonly PeerName[],
    cameras: number,
    batches: number,
  ) {
    this.#running = running;
    this.#names = names;
    this.#cameras = cameras;
    this.#batches = batches;
  }

  /** Opens so many more, and waits until all is durable. */
  async open(count: number): Promise<void> {
    const { pkiDir, port } = this.#running;
    const [cameras, batches] = [this.#cameras, this.#batches];
    for (let left = count; left > 0; left--) {
      const at = this.#opened.length;
      const identity = await readIdentity(pkiDir, this.#names[at]!);
      const run = fleetRun(at * cameras, cameras, batches);
      this.#opened.push(new BenchProducer({ identity, port, run, inFlightMax: 1, batches }));
      if (at % OPENED_AT_ONCE === 0) await this.#sent();
    }
    await this.#sent();
  }

  async #sent(): Promise<void> {
    const untilMs = performance.now() + SENT_LIMIT_MS;
    while (this.#opened.some(({ acknowledged }) => acknowledged < this.#batches)) {
      const failure = this.#opened.find((producer) => producer.failure)?.failure;
      if (failure !== undefined) throw new Error(`a producer failed: ${failure}`);
      if (performance.now() > untilMs) throw new Error("producers: got no end of their batches");
      await delay(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const producer of this.#opened) producer[Symbol.dispose]();
    await delay(0);
  }
}
