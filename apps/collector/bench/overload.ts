/** Twice the load that a collector takes: how its memory grows, and whether every point is accounted for. */
import { setTimeout as delay } from "node:timers/promises";

import { about, report } from "@glassline/bench/report";

import { metricOf } from "./collector-metrics.ts";
import type { RunningGlassline } from "./glassline.ts";
import { CAN_PIN } from "@glassline/bench/pinned-process";

export const BENCH = "overload";
const SAMPLE_MS = 250;
const OFFER_MS = 10;
/** What waits or is under way when no more is offered. */
const DRAIN_MAX_MS = 120_000;
const FACTOR = 2;
const SETTLING_ROUNDS_MAX = 12;
/** More than this is more. */
const SAME = 1.05;

/** In batches or requests; each has as many points. */
export interface Counts {
  acknowledged: number;
  /** Answered with a refusal, and not sent again. */
  refused: number;
  /** Neither: the connection broke. */
  failed: number;
}

export interface Sender {
  protocol: string;
  pointsPerMessage: number;
  /** As the collector names it in its metrics. */
  receiver: string;
  /** As much as it takes, until it is paced. */
  start(): void;
  /** From now on only what is offered is sent. Resolves when nothing of before is under way. */
  pace(): Promise<void>;
  /** @returns how many it dropped, because it has no room for more. */
  offer(messages: number): number;
  counts(): Counts;
  /** Offered, not dropped and without an answer. */
  waiting(): number;
}

export interface OverloadTimes {
  warmupMs: number;
  measureMs: number;
  overloadMs: number;
}

export function aboutOverload(): void {
  about(
    BENCH,
    "A collector on one core, first with as much load as it takes (closed loop, until its memory grows no more; recent points are limited to 16 MiB, so that they are full early; then from a generator that does not wait, " +
      "with twice what was taken until no more is), then with twice as much (open loop). Growth: largest resident memory under twice the load less the largest at full load. Goal: 64 MiB. OTQMN producers may send as far as their credit goes and drop what finds no room in their outbox, " +
      "counted; OTLP senders have 1,000 connections from the beginning, drop what finds no free connection, counted, and do not send again what is refused. Uncounted: offered less acknowledged, refused and dropped. Stored less acknowledged: by the collector's own " +
      "counter. Goal: 0 of both. What bounds OTLP/HTTP: each of up to 1,000 connections has a request of some 45 KiB received before it is let in, and again as a record until it is synced. With half the memory for requests " +
      "(--otlp-memory) it grew as much; with records counted too, by 80 MiB, and half of what it otherwise takes was acknowledged.",
  );
}

export async function measureOverload(
  running: RunningGlassline,
  sender: Sender,
  { warmupMs, measureMs, overloadMs }: OverloadTimes,
): Promise<void> {
  const stored = () =>
    metricOf(running.adminPort, "points_stored_total", { receiver: sender.receiver });
  const refusals = () => metricOf(running.adminPort, "otlp_requests_refused_total");
  sender.start();
  await settle(running, warmupMs, measureMs);
  const from = { atMs: performance.now(), acknowledged: sender.counts().acknowledged };
  const fullBytes = await largestBytes(running, measureMs);
  const closedPerMs =
    (sender.counts().acknowledged - from.acknowledged) / (performance.now() - from.atMs);
  await sender.pace();
  const takenPerMs = await takenWhenPressed(sender, closedPerMs, measureMs);
  const before = { ...sender.counts(), stored: await stored(), refusals: await refusals() };
  const offering = offer(sender, FACTOR * takenPerMs);
  const overloadBytes = await largestBytes(running, overloadMs);
  const { offered, dropped, elapsedMs } = offering.stop();
  await drained(sender);
  const after = { ...sender.counts(), stored: await stored(), refusals: await refusals() };
  const counted = (what: keyof Counts) => after[what] - before[what];
  const params = {
    protocol: sender.protocol,
    pointsPerMessage: sender.pointsPerMessage,
    overloadMs,
    pinned: CAN_PIN,
  };
  const figure = (metric: string, value: number, unit: string) =>
    report(BENCH, metric, value, unit, params);
  const points = (messages: number) => messages * sender.pointsPerMessage;
  figure("taken_at_full_load", 1_000 * points(takenPerMs), "points/s");
  figure("offered", (1_000 * points(offered)) / elapsedMs, "points/s");
  figure("resident_memory_at_full_load", fullBytes / 2 ** 20, "MiB");
  figure("growth", (overloadBytes - fullBytes) / 2 ** 20, "MiB");
  figure("acknowledged", (100 * counted("acknowledged")) / offered, "%");
  figure("refused", (100 * counted("refused")) / offered, "%");
  figure("dropped_at_sender", (100 * dropped) / offered, "%");
  figure("failed", points(counted("failed")), "points");
  const known = counted("acknowledged") + counted("refused") + dropped;
  figure("uncounted", points(offered - known), "points");
  const acknowledged = points(counted("acknowledged"));
  figure("stored_less_acknowledged", after.stored - before.stored - acknowledged, "points");
  figure(
    "refusals_counted_less_seen",
    after.refusals - before.refusals - counted("refused"),
    "requests",
  );
}

async function largestBytes({ process }: RunningGlassline, forMs: number): Promise<number> {
  let largest = 0;
  for (const endMs = performance.now() + forMs; performance.now() < endMs;) {
    await delay(SAMPLE_MS);
    largest = Math.max(largest, process.residentBytes());
  }
  return largest;
}

/** Waits until memory grows no more. */
async function settle(running: RunningGlassline, leastMs: number, forMs: number): Promise<void> {
  let before = await largestBytes(running, leastMs);
  for (let round = 0; round < SETTLING_ROUNDS_MAX; round++) {
    const now = await largestBytes(running, forMs);
    if (now <= before) return;
    before = now;
  }
}

/**
 * Who does not wait for answers finds that more is taken than of those who do. Twice what was taken is offered until it is not taken.
 * @returns messages a millisecond.
 */
async function takenWhenPressed(
  sender: Sender,
  closedPerMs: number,
  forMs: number,
): Promise<number> {
  let taken = closedPerMs;
  for (let round = 0; round < SETTLING_ROUNDS_MAX; round++) {
    const [before, fromMs] = [sender.counts().acknowledged, performance.now()];
    const offering = offer(sender, FACTOR * taken);
    await delay(forMs);
    const now = (sender.counts().acknowledged - before) / (performance.now() - fromMs);
    offering.stop();
    await drained(sender);
    if (now <= taken * SAME) return Math.max(now, taken);
    taken = now;
  }
  return taken;
}

/** As many a millisecond, whatever becomes of them; what a late timer missed is offered at once. */
function offer(sender: Sender, perMs: number) {
  const startMs = performance.now();
  let [offered, dropped] = [0, 0];
  const timer = setInterval(() => {
    const due = Math.floor(perMs * (performance.now() - startMs)) - offered;
    offered += due;
    dropped += sender.offer(due);
  }, OFFER_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return { offered, dropped, elapsedMs: performance.now() - startMs };
    },
  };
}

async function drained(sender: Sender): Promise<void> {
  for (const endMs = performance.now() + DRAIN_MAX_MS; sender.waiting() > 0;) {
    if (performance.now() > endMs)
      throw new Error(`got ${sender.waiting()} without an answer after ${DRAIN_MAX_MS} ms`);
    await delay(SAMPLE_MS);
  }
}
