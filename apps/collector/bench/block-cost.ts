/** What making blocks costs ingestion, on one core: as they are made by default, and where none is. */
import { setTimeout as delay } from "node:timers/promises";

import { SERIES } from "@glassline/bench/fleet-model";
import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";

import { metricOf } from "./collector-metrics.ts";
import type { Times } from "./ingestion.ts";
import type { Case, Loaded } from "./otqmn-ingestion.ts";
import { GATEWAYS, NO_BLOCKS, startLoaded } from "./otqmn-ingestion.ts";
import { CAN_PIN } from "@glassline/bench/pinned-process";

const BENCH = "block-cost";
const SIDES = [
  { blocks: "made", words: [] },
  { blocks: "none", words: NO_BLOCKS },
] as const;

/** About a third of what one core takes. */
const STEADY_POINTS_PER_SECOND = 4_000_000;
const PACE_INTERVAL_MS = 10;

interface Measured {
  pointsPerSecond: number;
  cpuNsPerPoint: number;
  blocks: number;
}

export async function measureBlockCost(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Points a second into a collector on one core while blocks are made (by default), and while none is (one segment that does not close, neither by its size of 1 GiB nor by its points, for which memory has 8 GiB), in turn, each in a fresh collector; " +
      "the median of the rounds. CPU a point includes the thread that makes blocks. Goal: at most a fifth slower. Blocks are made at a low priority: at full load with a tenth of the core. " +
      "At a steady load the core is shared: all that comes is stored, and blocks follow; what they cost is the difference in CPU a point.",
  );
  const times = isQuick
    ? { warmupMs: 2_000, measureMs: 4_000 }
    : { warmupMs: 5_000, measureMs: 15_000 };
  const rounds = isQuick ? 1 : 3;
  for (const case_ of isQuick ? GATEWAYS.slice(1) : GATEWAYS) await compare(case_, times, rounds);
  const [gateways] = GATEWAYS;
  await compare(gateways!, times, rounds, STEADY_POINTS_PER_SECOND);
}

/** @param offered points a second; without it, as many as are taken. */
async function compare(case_: Case, times: Times, rounds: number, offered?: number): Promise<void> {
  const all = SIDES.map((): Measured[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [at, { words }] of SIDES.entries())
      all[at]!.push(await measure(case_, times, words, offered));
  const { streams, cameras } = case_;
  const shared = {
    pointsPerMessage: cameras * SERIES.length,
    streams,
    rounds,
    pinned: CAN_PIN,
    load: offered ?? "full",
  };
  const [made, none] = all.map((measured, at) => {
    const params = { ...shared, blocks: SIDES[at]!.blocks };
    const figure = (metric: keyof Measured, name: string, unit: string) => {
      const value = median(measured.map((each) => each[metric]));
      report(BENCH, name, value, unit, params);
      return value;
    };
    figure("cpuNsPerPoint", "cpu_per_point", "ns");
    figure("blocks", "blocks_made", "blocks");
    return figure("pointsPerSecond", "acknowledged", "points/s");
  });
  report(BENCH, "slower_by", 100 * (1 - made! / none!), "%", shared);
}

async function measure(
  case_: Case,
  { warmupMs, measureMs }: Times,
  words: readonly string[],
  offered: number | undefined,
): Promise<Measured> {
  await using loaded = await startLoaded(case_, { words, isPaced: offered !== undefined });
  const { running, producers } = loaded;
  using _pace = offered === undefined ? undefined : pace(loaded, offered / pointsIn(case_));
  const sample = async () => ({
    atMs: performance.now(),
    cpuMs: running.process.cpuMs(),
    batches: producers.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    blocks: await metricOf(running.adminPort, "blocks_made_total"),
  });
  await delay(warmupMs);
  const from = await sample();
  await delay(measureMs);
  const to = await sample();
  const failure = producers.find((producer) => producer.failure)?.failure;
  if (failure !== undefined) throw new Error(`a producer failed: ${failure}`);
  const points = (to.batches - from.batches) * pointsIn(case_);
  return {
    pointsPerSecond: (1_000 * points) / (to.atMs - from.atMs),
    cpuNsPerPoint: (1e6 * (to.cpuMs - from.cpuMs)) / points,
    blocks: to.blocks - from.blocks,
  };
}

/** Offers so many batches a second to the producers in turn, until it is disposed. */
function pace({ producers }: Loaded, batchesPerSecond: number): Disposable {
  const fromMs = performance.now();
  let offered = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - fromMs) * batchesPerSecond) / 1_000);
    for (; offered < due; offered++)
      producers[offered % producers.length]!.offer(1, Number.POSITIVE_INFINITY);
  }, PACE_INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const pointsIn = ({ cameras }: Case): number => cameras * SERIES.length;
