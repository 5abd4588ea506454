/** Kills a collector under load, again and again, and compares what it acknowledged with what it has stored. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { freePorts } from "@glassline/bench/ports";
import type { Progress } from "@glassline/bench/progress";
import type { LogRecord } from "@glassline/proto/storage";

import type { CheckTotals } from "./checks.ts";
import { Checks, problemsOf } from "./checks.ts";
import type { CollectorPlace } from "./collector-process.ts";
import {
  CollectorProcess,
  blockDirectories,
  logDirectories,
  prepare,
} from "./collector-process.ts";
import type { TortureConfig } from "./config.ts";
import type { Load } from "./load.ts";
import { startLoad } from "./load.ts";
import { fileAppears } from "./moments.ts";
import type { Sender } from "./sender.ts";
import { appendTornRecord, cutUnacknowledged } from "./torn-tail.ts";

const UPTIME_MIN_MS = 10;
const UPTIME_SPAN_MS = 500;
const TYPICAL_START_MS = 600;
/** Killed again while it starts, or when it has taken producers. */
const SHARD_START_MS = 2_000;
const DRAIN_TIMEOUT_MS = 10_000;
const LAST_LOAD_MS = 300;
/** Until the end of a process is known. */
const ENDED_MS = 200;

type Ports = [number, number, number, number];

export interface Tortured {
  kills: number;
  killsAtStart: number;
  stops: number;
  tornTails: number;
  checks: number;
  acknowledgedPoints: number;
  /** Ascending. */
  startsMs: number[];
  /** Of the last check, which reads everything again. */
  inLog: CheckTotals;
  queried: CheckTotals;
  /** What is wrong, for people. */
  problems: string[];
}

/** @param stopping aborted: no more kills, then the last check. */
export async function torture(
  config: Omit<TortureConfig, "seed">,
  random: () => number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-torture-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const [port, adminPort, httpPort, grpcPort] = (await freePorts(4)) as Ports;
  const ports = { port, adminPort, httpPort, grpcPort };
  const place = { directory, shards: config.shards, token: "torture", ports };
  await prepare(place);
  const load = await startLoad(place, config, random);
  for (const sender of [...load.producers, ...load.senders]) stack.use(sender);
  const run = stack.use(new Torture(place, load, random));
  while (run.kills < config.kills && !stopping.aborted && run.problems.length === 0) {
    const isDue = Math.floor(run.kills / config.checkEvery) > run.checks;
    if (isDue) await run.check();
    await run.round();
    progress.tell(run.line(config.kills));
    if (isDue) progress.say(run.line(config.kills));
  }
  return await run.finish();
}

class Torture implements AsyncDisposable {
  readonly #place: CollectorPlace;
  readonly #load: Load;
  readonly #all: readonly Sender[];
  readonly #random: () => number;
  readonly #checks: Checks;
  readonly #startsMs: number[] = [];
  #process: CollectorProcess | undefined;
  #killsAtStart = 0;
  #stops = 0;
  #tornTails = 0;
  kills = 0;
  checks = 0;
  problems: string[] = [];

  constructor(place: CollectorPlace, load: Load, random: () => number) {
    this.#place = place;
    this.#load = load;
    this.#all = [...load.producers, ...load.senders];
    this.#random = random;
    this.#checks = new Checks(this.#all, logDirectories(place));
  }

  /** A start and an end. */
  async round(): Promise<void> {
    if (this.#random() < 0.25) await this.#killAtStart();
    else {
      await this.#started();
      await this.#moment();
      while (this.#place.shards > 1 && this.#random() < 0.6) {
        await this.#killShard();
        await this.#moment();
      }
      if (this.#random() < 0.05) await this.#stop();
      else await this.#kill();
    }
    await this.#tear();
  }

  /** Reads what came since the last check: from the log while no collector runs, then from one. */
  async check(): Promise<void> {
    this.checks++;
    this.#note("log", await this.#checks.readLog());
    await this.#started();
    this.#note("queries", await this.#query(this.#checks));
    await this.#kill();
  }

  /** Rejects with what the collector said when it ended meanwhile. */
  async #query(checks: Checks): Promise<CheckTotals> {
    try {
      return await checks.query(this.#place.ports.adminPort);
    } catch (error) {
      await delay(ENDED_MS);
      if (!this.#process!.hasEnded) throw error;
      throw new Error(`the collector ended by itself:\n${this.#process!.output}`, { cause: error });
    }
  }

  line(kills: number): string {
    const acknowledged = this.#acknowledged().toLocaleString("en");
    const verdict = this.problems.length === 0 ? "nothing lost, nothing twice" : "PROBLEMS";
    return `${this.kills} of ${kills} kills (${this.#killsAtStart} at start), ${this.#stops} stops, ${this.#tornTails} torn tails, ${acknowledged} points acknowledged, ${this.checks} checks: ${verdict}`;
  }

  /** Everything is read again from the beginning. */
  async finish(): Promise<Tortured> {
    await this.#started();
    await delay(LAST_LOAD_MS);
    const whole = new Checks(this.#all, logDirectories(this.#place));
    const queried = await this.#query(whole);
    await this.#process!.end("SIGTERM");
    await this.#silence();
    const inLog = await whole.readLog();
    this.checks++;
    this.#note("queries", queried);
    this.#note("log", inLog);
    return {
      kills: this.kills,
      killsAtStart: this.#killsAtStart,
      stops: this.#stops,
      tornTails: this.#tornTails,
      checks: this.checks,
      acknowledgedPoints: this.#acknowledged(),
      startsMs: this.#startsMs.toSorted((a, b) => a - b),
      inLog,
      queried,
      problems: [...new Set(this.problems)],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.end("SIGKILL");
  }

  #acknowledged(): number {
    return this.#all.reduce((total, { acknowledged }) => total + acknowledged, 0);
  }

  #note(where: string, totals: CheckTotals): void {
    this.problems.push(...problemsOf(where, totals));
    for (const { points, failure } of this.#all)
      if (failure !== undefined) this.problems.push(`sender of ${points.cameraId}: ${failure}`);
  }

  async #started(): Promise<void> {
    this.#process = new CollectorProcess(this.#place);
    this.#startsMs.push(await this.#process.ready());
  }

  async #killAtStart(): Promise<void> {
    this.#process = new CollectorProcess(this.#place);
    await delay(TYPICAL_START_MS * this.#random());
    this.#killsAtStart++;
    await this.#kill();
  }

  /** Somewhen, or when a segment or a block begins or ends. */
  async #moment(): Promise<void> {
    const kind = this.#random();
    await delay(UPTIME_MIN_MS + (UPTIME_SPAN_MS / 2) * this.#random());
    if (kind < 0.2) await fileAppears(logDirectories(this.#place)[this.#anyShard()]!);
    else if (kind < 0.4) await fileAppears(blockDirectories(this.#place)[this.#anyShard()]!);
    else await delay((UPTIME_SPAN_MS / 2) * this.#random());
  }

  async #kill(): Promise<void> {
    this.kills++;
    if (this.#process!.hasEnded)
      throw new Error(`the collector ended by itself:\n${this.#process!.output}`);
    if (this.#random() < 0.5) await this.#process!.killAll();
    else await this.#process!.end("SIGKILL");
    await this.#silence();
  }

  /** One shard dies, and the collector goes on. */
  async #killShard(): Promise<void> {
    const shards = await this.#process!.shards();
    const shard = shards[Math.floor(this.#random() * shards.length)];
    if (shard === undefined) return;
    this.kills++;
    process.kill(shard, "SIGKILL");
    await delay(SHARD_START_MS * this.#random());
  }

  #anyShard(): number {
    return Math.floor(this.#random() * this.#place.shards);
  }

  async #stop(): Promise<void> {
    this.#stops++;
    const isKilled = this.#random() < 0.5;
    const stopped = this.#process!.end("SIGTERM");
    if (isKilled) {
      await delay(UPTIME_SPAN_MS * this.#random());
      await this.#process!.end("SIGKILL");
      this.kills++;
    } else if (!(await stopped)) this.problems.push("the collector did not stop by SIGTERM");
    await stopped;
    await this.#silence();
  }

  /** Acknowledgements that were sent before the end have come. */
  async #silence(): Promise<void> {
    const untilMs = performance.now() + DRAIN_TIMEOUT_MS;
    const waiting = new Set(this.#all);
    while (waiting.size > 0 && performance.now() < untilMs) {
      for (const sender of waiting) if (!sender.isConnected) waiting.delete(sender);
      await delay(2);
    }
    if (waiting.size > 0) this.problems.push("a connection outlived the collector");
  }

  /** Now and then the log ends as after a crash of the machine. */
  async #tear(): Promise<void> {
    const kind = this.#random();
    const shard = this.#anyShard();
    const directory = logDirectories(this.#place)[shard]!;
    if (kind >= 0.2 || this.kills === 0 || this.#startsMs.length === 0) return;
    if (kind < 0.1) {
      await appendTornRecord(directory, this.#random);
      this.#tornTails++;
    } else {
      const isCut = await cutUnacknowledged(
        directory,
        this.#checks.lastReadIndex(shard),
        (record) => this.#isAcknowledged(record),
        this.#random,
      );
      if (isCut) this.#tornTails++;
    }
  }

  /** Of an OTLP record it is not known: it counts as acknowledged. */
  #isAcknowledged({ record }: LogRecord): boolean {
    if (record.case !== "batch") return true;
    const { producer, seq } = record.value;
    const marks = this.#load.producers.map(({ mark }) => mark);
    const mark = marks.find((one) => one.producer === producer);
    return mark === undefined || seq <= BigInt(mark.durableSeq);
  }
}
