/** One edge under the agent's care: brings it to what it shall be, one step after another. */
import { randomUUID } from "node:crypto";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { equals } from "@bufbuild/protobuf";
import type { EdgeSpec, EdgeStateSchema } from "@glassline/proto/node";
import { EdgePhase, EdgeSpecSchema } from "@glassline/proto/node";
import type { Backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { Phase, Wish } from "./core/reconcile.ts";
import { stepFor } from "./core/reconcile.ts";
import type { Driver } from "./drivers/driver.ts";
import type { StartedEdge, StateStore } from "./stores/state-store.ts";

/** An edge that ran so long before it ended is started again without a longer pause. */
const STABLE_MS = 30_000;
/** After its drain. An edge that is not ready, a frozen one above all, has no answers under way. */
const STOP_PATIENCE_MS = { ready: 3_000, notReady: 1_000 } as const;

export interface EdgeDeps {
  driver: Driver;
  store: StateStore;
  clock: Clock;
  logger: Logger;
  backoff: Backoff;
  /** What an edge that is ready takes for its viewers when it is told to stop. */
  drainMs: number;
  /** What an edge must have before it is started as wished: "segment overlay-a"; empty: nothing. */
  lacks: (spec: EdgeSpec) => string;
  /** To be called when there may be something to do. */
  changed: () => void;
}

export class Edge {
  readonly name: string;
  readonly #deps: EdgeDeps;
  #wanted: EdgeSpec | undefined;
  #running: StartedEdge | undefined;
  /** What it was told to run as the last time. */
  #lastSpec: EdgeSpec | undefined;
  #phase: Phase = "absent";
  #ready = false;
  #sinceUnixNano: bigint;
  #unexpectedEnds = 0;
  #lastEnd = "";
  #lastEndUnixNano = 0n;
  #nextStartMs = 0;
  #steps: Promise<boolean> = Promise.resolve(false);

  constructor(name: string, deps: EdgeDeps) {
    this.name = name;
    this.#deps = deps;
    this.#sinceUnixNano = deps.clock.nowUnixNano();
  }

  /** As which it runs; undefined: it does not. */
  get running(): EdgeSpec | undefined {
    return this.#running?.spec;
  }

  /** Undefined: it shall not run. */
  want(spec: EdgeSpec | undefined): void {
    this.#wanted = spec;
  }

  /** Takes over what an earlier life of the agent started. */
  async adopt(started: StartedEdge): Promise<void> {
    const { driver, store, logger } = this.#deps;
    this.#lastSpec = started.spec;
    const adopted = { ...started };
    const processId = await driver.adopt(started, (how) => this.#ended(adopted, how));
    if (processId !== undefined) {
      adopted.processId = processId;
      store.setStarted(adopted);
      this.#running = adopted;
      this.#turn("running");
      logger.info({ edge: this.name, processId }, "adopted");
      return;
    }
    this.#forgetStarted();
    if (started.processId === 0) return;
    this.#unexpectedEnds++;
    this.#lastEnd = "it ended while the agent was away";
    this.#lastEndUnixNano = this.#deps.clock.nowUnixNano();
  }

  /** Steps towards what is wanted, one after another. @returns whether the agent may forget this edge. */
  advance(signal: AbortSignal): Promise<boolean> {
    const step = this.#steps.then(() => !signal.aborted && this.#step());
    this.#steps = step;
    return step;
  }

  /** Resolves when no step is under way. */
  async settled(): Promise<void> {
    await this.#steps;
  }

  async #step(): Promise<boolean> {
    switch (stepFor(this.#phase, this.#wish())) {
      case "start":
        await this.#start();
        return false;
      case "stop":
        await this.stop();
        return false;
      case "wait":
        if (this.#deps.clock.monotonicMs() >= this.#nextStartMs) await this.#start();
        return false;
      case "forget":
        return true;
      case "nothing":
        return false;
    }
  }

  /** Looks whether it is ready. */
  async look(): Promise<void> {
    const running = this.#running;
    const ready = running !== undefined && (await this.#deps.driver.isReady(running.spec));
    if (running !== this.#running || ready === this.#ready) return;
    this.#ready = ready;
    this.#sinceUnixNano = this.#deps.clock.nowUnixNano();
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    const { ready, notReady } = STOP_PATIENCE_MS;
    const patienceMs = this.#ready ? this.#deps.drainMs + ready : notReady;
    this.#turn("stopping");
    await this.#deps.driver.stop(running, patienceMs);
    if (this.#running === running) this.#gone();
  }

  state(): MessageInitShape<typeof EdgeStateSchema> {
    const spec = this.#wanted ?? this.#running?.spec ?? this.#lastSpec;
    return {
      ...(spec && { spec, machine: spec.machine }),
      phase: this.#edgePhase(),
      processId: this.#running?.processId ?? 0,
      current: this.#phase === "running" && this.#wish() === "same",
      generation: this.#running?.spec.generation ?? 0n,
      sinceUnixNano: this.#sinceUnixNano,
      unexpectedEnds: this.#unexpectedEnds,
      lastEnd: this.#lastEnd,
      lastEndUnixNano: this.#lastEndUnixNano,
      nextStartUnixNano: this.#phase === "waiting" ? this.#nextStartUnixNano() : 0n,
      waitsFor: this.#wanted && this.#wish() === "held" ? this.#deps.lacks(this.#wanted) : "",
    };
  }

  #wish(): Wish {
    if (!this.#wanted) return "none";
    const as = this.#running?.spec ?? this.#lastSpec;
    const wish = as && !equals(EdgeSpecSchema, as, this.#wanted) ? "other" : "same";
    const isToBeStarted = wish === "other" || this.#running === undefined;
    return isToBeStarted && this.#deps.lacks(this.#wanted) !== "" ? "held" : wish;
  }

  async #start(): Promise<void> {
    const { driver, store, clock, logger } = this.#deps;
    const spec = this.#wanted!;
    this.#lastSpec = spec;
    const startedUnixNano = clock.nowUnixNano();
    const started = { processId: 0, instanceId: randomUUID(), spec, startedUnixNano };
    try {
      // Before it is there, so that the next life of the agent finds it whenever this one ends.
      store.setStarted(started);
      const ended = (how: string) => this.#ended(started, how);
      this.#running = started;
      started.processId = await driver.start(spec, started.instanceId, ended);
      // It may have ended already.
      if (this.#running !== started) return;
      this.#turn("running");
      logger.info({ edge: this.name, processId: started.processId }, "started");
      this.#write(() => store.setStarted(started));
    } catch (error) {
      this.#forgetStarted();
      this.#running = undefined;
      this.#waitAfter(`it could not be started: ${messageOf(error)}`);
    }
  }

  #ended(started: StartedEdge, how: string): void {
    if (this.#running !== started) return;
    if (this.#phase === "stopping") return this.#gone();
    const ranMs = Number((this.#deps.clock.nowUnixNano() - started.startedUnixNano) / 1_000_000n);
    if (ranMs > STABLE_MS) this.#deps.backoff.reset();
    this.#forgetStarted();
    this.#running = undefined;
    this.#waitAfter(how);
  }

  #waitAfter(how: string): void {
    const { clock, backoff, logger, changed } = this.#deps;
    const pauseMs = backoff.nextMs();
    this.#unexpectedEnds++;
    this.#lastEnd = how;
    this.#lastEndUnixNano = clock.nowUnixNano();
    this.#nextStartMs = clock.monotonicMs() + pauseMs;
    this.#turn("waiting");
    logger.warn({ edge: this.name, how, pauseMs: Math.round(pauseMs) }, "ended by itself");
    changed();
  }

  #gone(): void {
    this.#forgetStarted();
    this.#running = undefined;
    this.#turn("absent");
    this.#deps.changed();
  }

  #forgetStarted(): void {
    this.#write(() => this.#deps.store.removeStarted(this.name));
  }

  /** What cannot be written after the fact is found out by the next life: it looks for the process by its instance id. */
  #write(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#deps.logger.error({ edge: this.name, error: messageOf(error) }, "cannot write");
    }
  }

  #turn(phase: Phase): void {
    this.#phase = phase;
    this.#ready = false;
    this.#sinceUnixNano = this.#deps.clock.nowUnixNano();
  }

  #edgePhase(): EdgePhase {
    if (this.#phase === "waiting" || this.#phase === "absent") return EdgePhase.WAITING;
    if (this.#phase === "stopping") return EdgePhase.STOPPING;
    if (this.#ready) return EdgePhase.READY;
    const runsMs = this.#deps.clock.nowUnixNano() - (this.#running?.startedUnixNano ?? 0n);
    return runsMs < STARTING_NANO ? EdgePhase.STARTING : EdgePhase.UNREADY;
  }

  #nextStartUnixNano(): bigint {
    const leftMs = Math.max(0, this.#nextStartMs - this.#deps.clock.monotonicMs());
    return this.#deps.clock.nowUnixNano() + BigInt(Math.round(leftMs)) * 1_000_000n;
  }
}

/** An edge that is not ready so long after its start is called unready. */
const STARTING_NANO = 5_000_000_000n;
