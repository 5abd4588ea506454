/** Loops of which one leads, with one problem after another, each of which ends when something is done about it. */
import { setTimeout as delay } from "node:timers/promises";

import { every, systemClock } from "@glassline/service/clock";

import type { LoopProcess } from "../loop/loop-process.ts";
import { isReady } from "../loop/loop-process.ts";
import type { Stage } from "../loop/stage.ts";
import type { Problem, Told } from "../loop/words.ts";

const LOAD_MS = 60_000;
const LOOK_MS = 5;
/** Between two looks whether there may be another problem. */
const DRIVE_MS = 30;
const CALL = /^(purge|prime|setDraining) \d+ (before|after)$/;
const PROBLEM: Problem = { object: "edge-1", check: "freshness" };
const ENDS_WITH = "purge edge-1";

type Term = Extract<Told, { term: number }>;

/** One of them, over its lives. */
export class Replica {
  readonly #start: () => LoopProcess;
  readonly #begin: (life: LoopProcess) => void;
  #life: LoopProcess;
  #term: Term | undefined;
  #calls = 0;
  /** Its fencing token, also when it is over. */
  lastTerm = 0;
  isCalling = false;

  constructor(start: () => LoopProcess, begin: (life: LoopProcess) => void) {
    [this.#start, this.#begin] = [start, begin];
    this.#life = start();
    this.#listen();
  }

  /** Its fencing token; 0: it does not lead, as far as it knows. */
  get term(): number {
    return this.#term?.term ?? 0;
  }

  get newest(): Term | undefined {
    return this.#term;
  }

  get life(): LoopProcess {
    return this.#life;
  }

  async begin(): Promise<void> {
    if (!(await this.#life.until("a loop is loaded", isReady, LOAD_MS)))
      throw new Error(`a loop could not be loaded\n${this.#life.said}`);
    this.#begin(this.#life);
  }

  signal(signal: NodeJS.Signals): void {
    this.#life.signal(signal);
  }

  /** After its end. */
  async restart(): Promise<void> {
    await this.#life.kill();
    this.#term = undefined;
    this.isCalling = false;
    this.#life = this.#start();
    this.#listen();
    await this.begin();
  }

  /** Resolves when it begins to call an effect: true; or when its term has ended before, as on a machine with too much to do. */
  async nextCall(timeoutMs: number): Promise<boolean> {
    const [before, term] = [this.#calls, this.term];
    const hasCalled = () => this.#calls > before;
    await until("a call of the leader", () => hasCalled() || this.term !== term, timeoutMs);
    return hasCalled();
  }

  async over(term: number, timeoutMs: number): Promise<void> {
    await until("the end of a stopped leader's term", () => this.term !== term, timeoutMs);
  }

  #listen(): void {
    const life = this.#life;
    life.onTold((told) => {
      if (life !== this.#life) return;
      if ("term" in told) this.lastTerm = (this.#term = told).term;
      if ("over" in told && told.over === this.term) this.#term = undefined;
      const call = "at" in told ? CALL.exec(told.at) : null;
      if (!call) return;
      this.isCalling = call[2] === "before";
      if (this.isCalling) this.#calls++;
    });
  }
}

export class Replicas {
  readonly #all: readonly Replica[];
  readonly #stop = new AbortController();
  #driving: Promise<void> = Promise.resolve();
  #problems: readonly Problem[] = [];
  /** Effects in a term behind which a later one had begun. */
  unfenced = 0;

  constructor(stage: Stage, names: readonly string[], holdUpMs: number) {
    this.#all = names.map(
      (name) =>
        new Replica(
          () => stage.loop(name),
          (life) => {
            life.order({ problems: this.#problems });
            life.order({ begin: { holdUpMs, leavesTerms: true } });
          },
        ),
    );
    stage.peer.onEffect = ({ what, fencingToken }) => {
      if (fencingToken < Math.max(...this.#all.map(({ lastTerm }) => lastTerm))) this.unfenced++;
      if (what === ENDS_WITH) this.#tell([]);
    };
  }

  /** @param countOpen incidents: when there is none left, there is another problem. */
  async start(countOpen: () => Promise<number>): Promise<void> {
    await Promise.all(this.#all.map((one) => one.begin()));
    await this.leader(LOAD_MS);
    this.#tell([PROBLEM]);
    this.#driving = every(systemClock, DRIVE_MS, this.#stop.signal, async () => {
      if (this.#problems.length === 0 && (await countOpen()) === 0) this.#tell([PROBLEM]);
    });
  }

  /** There are no more problems. */
  async rest(): Promise<void> {
    this.#stop.abort();
    await this.#driving;
    this.#tell([]);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#driving.catch(() => {});
    await Promise.all(this.#all.map(({ life }) => life.kill()));
  }

  /** The one with the newest term. */
  async leader(timeoutMs: number): Promise<Replica> {
    const newest = () => this.#all.toSorted((a, b) => b.term - a.term)[0]!;
    await until("a leader", () => newest().term > 0, timeoutMs);
    return newest();
  }

  /** The beginning of a later term. */
  async takeover(term: number, timeoutMs: number): Promise<Term> {
    const next = () => this.#all.find((one) => one.term > term)?.newest;
    await until("a takeover", () => next() !== undefined, timeoutMs);
    return next()!;
  }

  #tell(problems: readonly Problem[]): void {
    this.#problems = problems;
    for (const { life } of this.#all) life.order({ problems });
  }
}

async function until(what: string, isSo: () => boolean, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: got nothing in ${timeoutMs} ms`);
    await delay(LOOK_MS);
  }
}
