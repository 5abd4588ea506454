/** Kills an edge under load, again and again; then its origin is away, and what it serves is looked at byte by byte. */
import { mkdtemp, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { KillableProcess } from "@glassline/bench/killable-process";
import { freePorts } from "@glassline/bench/ports";
import type { Progress } from "@glassline/bench/progress";

import type { TortureConfig } from "./config.ts";
import type { EdgePlace } from "./edge-process.ts";
import { startEdgeProcess, tearTail } from "./edge-process.ts";
import type { TortureOrigin } from "./origin.ts";
import { startOrigin } from "./origin.ts";
import type { Seen } from "./viewers.ts";
import { ask, look } from "./viewers.ts";
import { World } from "./world.ts";

const UPTIME_MIN_MS = 20;
const UPTIME_SPAN_MS = 2_000;
const TYPICAL_START_MS = 600;
/** Looked at after each start, with the origin away. */
const SAMPLE = 200;
/** What was stored so long before a kill is on the disk. */
const YOUNG_MS = 1_000;
const AT_A_TIME = 16;

export interface Tortured {
  kills: number;
  killsAtStart: number;
  stops: number;
  tornTails: number;
  served: number;
  corrupt: number;
  purges: number;
  objects: number;
  /** Of them, looked at in the end, those that are there. */
  kept: number;
  /** Not there after a kill, though served more than a second before it. */
  lost: number;
  /** Not there after a kill, served within the second before it. */
  lostYoung: number;
  sampled: number;
  /** Ascending. */
  startsMs: number[];
  problems: string[];
}

/** @param stopping aborted: no more kills, then the last look. */
export async function torture(
  { kills, clients }: Omit<TortureConfig, "seed">,
  random: () => number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-torture-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const [port, grpcPort, adminPort, originPort] = (await freePorts(4)) as [
    number,
    number,
    number,
    number,
  ];
  const place = { directory, port, grpcPort, adminPort, originPort };
  const world = new World();
  const origin = stack.use(await startOrigin(world, originPort));
  const run = stack.use(new Torture(place, world, origin, random, clients));
  while (run.kills < kills && !stopping.aborted && run.seen.problems.length === 0) {
    await run.round();
    progress.tell(run.line(kills));
    if (run.kills % 20 === 0) progress.say(run.line(kills));
  }
  return await run.finish();
}

class Torture implements AsyncDisposable {
  readonly #place: EdgePlace;
  readonly #world: World;
  readonly #origin: TortureOrigin;
  readonly #random: () => number;
  readonly #clients: number;
  readonly #startsMs: number[] = [];
  readonly seen: Seen = { served: 0, corrupt: 0, kept: new Map(), purges: 0, problems: [] };
  #process: KillableProcess | undefined;
  #killsAtStart = 0;
  #stops = 0;
  #tornTails = 0;
  #sampled = 0;
  #lost = 0;
  #lostYoung = 0;
  /** When viewers were last cut off. */
  #endedMs = 0;
  kills = 0;

  constructor(
    place: EdgePlace,
    world: World,
    origin: TortureOrigin,
    random: () => number,
    clients: number,
  ) {
    this.#place = place;
    this.#world = world;
    this.#origin = origin;
    this.#random = random;
    this.#clients = clients;
  }

  /** A start and an end. */
  async round(): Promise<void> {
    if (this.#random() < 0.15) return this.#killAtStart();
    await this.#started();
    await this.#sample();
    const stop = new AbortController();
    const viewers = Array.from({ length: this.#clients }, () =>
      ask(this.#place, this.#world, this.seen, this.#random, stop.signal),
    );
    await delay(UPTIME_MIN_MS + UPTIME_SPAN_MS * this.#random());
    this.#endedMs = performance.now();
    if (this.#random() < 0.05) await this.#stop();
    else await this.#kill();
    stop.abort();
    await Promise.all(viewers);
    if (this.#random() < 0.2 && (await tearTail(this.#place, this.#random))) this.#tornTails++;
  }

  /** What the last second stored, and some of what was there before. What is not there is not expected again. */
  async #sample(): Promise<void> {
    const young: number[] = [];
    const old: number[] = [];
    for (const [address, servedMs] of this.seen.kept)
      (servedMs > this.#endedMs - YOUNG_MS ? young : old).push(address);
    const some = Array.from(
      { length: Math.min(SAMPLE, old.length) },
      () => old[Math.floor(this.#random() * old.length)]!,
    );
    this.#sampled += some.length + young.length;
    this.#lost += await this.#missing([...new Set(some)]);
    this.#lostYoung += await this.#missing(young);
  }

  line(kills: number): string {
    const verdict = this.seen.problems.length === 0 ? "no wrong byte" : "PROBLEMS";
    const numbers = [this.seen.served, this.seen.kept.size].map((each) =>
      each.toLocaleString("en"),
    );
    return `${this.kills} of ${kills} kills (${this.#killsAtStart} at start), ${this.#stops} stops, ${this.#tornTails} torn tails, ${this.seen.purges} purges, ${numbers[0]} answers, ${numbers[1]} objects, of ${this.#sampled} looked at ${this.#lost} old and ${this.#lostYoung} young ones lost: ${verdict}`;
  }

  /** Everything that should be there is asked for, with the origin away. */
  async finish(): Promise<Tortured> {
    await this.#started();
    const all = [...this.seen.kept.keys()];
    const kept = all.length - (await this.#missing(all));
    await this.#process!.end("SIGTERM");
    const { served, corrupt, purges, problems } = this.seen;
    return {
      kills: this.kills,
      killsAtStart: this.#killsAtStart,
      stops: this.#stops,
      tornTails: this.#tornTails,
      served,
      corrupt,
      purges,
      objects: all.length,
      kept,
      lost: this.#lost,
      lostYoung: this.#lostYoung,
      sampled: this.#sampled,
      startsMs: this.#startsMs.toSorted((a, b) => a - b),
      problems: [...new Set(problems)],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.end("SIGKILL");
  }

  /** @returns how many of them are not served without the origin. */
  async #missing(addresses: readonly number[]): Promise<number> {
    this.#origin.isAway = true;
    const agent = new Agent({ keepAlive: true });
    let missing = 0;
    for (let from = 0; from < addresses.length; from += AT_A_TIME) {
      const some = addresses.slice(from, from + AT_A_TIME);
      const looks = some.map((one) => look(this.#place, this.#world, this.seen, one, agent));
      for (const [at, isServed] of (await Promise.all(looks)).entries()) {
        if (isServed) continue;
        this.seen.kept.delete(some[at]!);
        missing++;
      }
    }
    agent.destroy();
    this.#origin.isAway = false;
    return missing;
  }

  async #started(): Promise<void> {
    this.#process = startEdgeProcess(this.#place);
    this.#startsMs.push(await this.#process.ready());
    if (this.#process.output.includes("is not used"))
      this.seen.problems.push(`the disk was given up: ${this.#process.output}`);
  }

  async #killAtStart(): Promise<void> {
    this.#process = startEdgeProcess(this.#place);
    await delay(TYPICAL_START_MS * this.#random());
    this.#killsAtStart++;
    await this.#kill();
  }

  async #kill(): Promise<void> {
    this.kills++;
    if (this.#process!.hasEnded)
      throw new Error(`the edge ended by itself:\n${this.#process!.output}`);
    await this.#process!.end("SIGKILL");
  }

  async #stop(): Promise<void> {
    this.#stops++;
    if (!(await this.#process!.end("SIGTERM")))
      this.seen.problems.push("the edge did not stop by SIGTERM");
  }
}
