/** One edge under the agent's care: brings it to what it shall be, one step after another. */
import { randomUUID } from "node:crypto";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { equals } from "@bufbuild/protobuf";
import type { EdgeSpec, EdgeStateSchema } from "@glassline/proto/node";
import { EdgeSpecSchema } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { Ends } from "./core/ends.ts";
import type { Phase, Wish } from "./core/reconcile.ts";
import { edgePhaseOf, stepFor } from "./core/reconcile.ts";
import type { Restarts } from "./core/restarts.ts";
import type { Drivers } from "./drivers/drivers.ts";
import { ReadinessLook } from "./drivers/readiness-look.ts";
import { UsageLook } from "./drivers/usage-look.ts";
import type { StartedEdge, StateStore } from "./stores/state-store.ts";

/** After its drain. An edge that is not ready, a frozen one above all, has no answers under way. */
const STOP_PATIENCE_MS = { ready: 3_000, notReady: 1_000 } as const;
/** What one that is not ready uses is asked for from then on. */
const USAGE_MS = 1_000;

export interface EdgeDeps {
  drivers: Drivers;
  store: StateStore;
  clock: Clock;
  logger: Logger;
  restarts: Restarts;
  /** What an edge that is ready takes for its viewers when it is told to stop. */
  drainMs: number;
  /**
   * What an edge must have before it is started as wished: "segment overlay-a"; empty: nothing.
   * @param isServing it is ready as it was wished before, and viewers may lose it for a while.
   */
  lacks: (spec: EdgeSpec, isServing: boolean) => string;
  /** Gives an edge that runs other keys of tokens, which it reads by itself. */
  writeTokenKeys: (spec: EdgeSpec) => Promise<unknown>;
  /** To be called when there may be something to do. */
  changed: () => void;
  /** Of the agent. */
  stop: AbortSignal;
}

export class Edge {
  readonly name: string;
  readonly #deps: EdgeDeps;
  #wanted: EdgeSpec | undefined;
  #running: StartedEdge | undefined;
  /** What it was told to run as the last time. */
  #lastSpec: EdgeSpec | undefined;
  #phase: Phase = "absent";
  readonly #readiness: ReadinessLook;
  readonly #ends = new Ends();
  #nextStartMs = 0;
  #containerId = "";
  readonly #usage: UsageLook;
  #steps: Promise<boolean> = Promise.resolve(false);

  constructor(name: string, deps: EdgeDeps) {
    this.name = name;
    this.#deps = deps;
    this.#usage = new UsageLook(deps);
    this.#readiness = new ReadinessLook(deps);
  }

  /** As which it runs; undefined: it does not. */
  get running(): EdgeSpec | undefined {
    return this.#running?.spec;
  }

  /** It runs as wished, and says that it is ready. */
  get isReady(): boolean {
    return this.#readiness.isReady && this.#phase === "running";
  }

  /** Since when it has not been ready, Unix nanoseconds; of one that is, the last time. */
  get unreadySinceUnixNano(): bigint {
    return this.#readiness.unreadySinceUnixNano;
  }

  /** Undefined: it shall not run. */
  want(spec: EdgeSpec | undefined): void {
    this.#wanted = spec;
  }

  /** Takes over what an earlier life of the agent started. */
  async adopt(started: StartedEdge): Promise<void> {
    const { drivers, store, logger } = this.#deps;
    this.#lastSpec = started.spec;
    const adopted = { ...started };
    let lastEnd = "it ended while the agent was away";
    const running = await drivers
      .of(started.spec)
      .adopt(started, (how) => this.#ended(adopted, how))
      .catch((error: unknown) => {
        lastEnd = `it cannot be taken over: ${messageOf(error)}`;
        return undefined;
      });
    if (running) {
      const { processId, containerId } = running;
      adopted.processId = processId;
      store.setStarted(adopted);
      this.#running = adopted;
      this.#containerId = containerId;
      this.#turn("running");
      logger.info({ edge: this.name, processId, containerId }, "adopted");
      // One that serves viewers is known before any is replaced.
      await this.#readiness.look(adopted);
      this.#keepLooking(adopted);
      return;
    }
    this.#forgetStarted();
    if (started.processId === 0) return;
    this.#ends.add(lastEnd, this.#deps.clock.nowUnixNano());
  }

  /** Steps towards what is wanted, one after another. @returns whether the agent may forget this edge. */
  advance(): Promise<boolean> {
    const step = this.#steps.then(() => !this.#deps.stop.aborted && this.#step());
    this.#steps = step;
    return step;
  }

  /** Resolves when no step is under way. */
  async settled(): Promise<void> {
    await this.#steps;
  }

  async #step(): Promise<boolean> {
    await this.#renewTokenKeys();
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

  /** Where nothing else is wished otherwise, it is not started anew. */
  async #renewTokenKeys(): Promise<void> {
    const [running, wanted] = [this.#running, this.#wanted];
    if (!running || !wanted || running.spec.tokenKeys === wanted.tokenKeys) return;
    const { tokenKeys } = wanted;
    if (!equals(EdgeSpecSchema, { ...running.spec, tokenKeys }, wanted)) return;
    try {
      await this.#deps.writeTokenKeys(wanted);
      running.spec = this.#lastSpec = wanted;
      this.#deps.store.setStarted(running);
    } catch (error) {
      this.#deps.logger.error({ edge: this.name, error: messageOf(error) }, "cannot write keys");
    }
  }

  /** Whether it is ready, and what it uses, as long as it runs. */
  #keepLooking(started: StartedEdge): void {
    const readiness = this.#readiness;
    void readiness.keepLooking(started, ({ hasChanged, ageMs }) => {
      if (hasChanged) this.#deps.changed();
      if (readiness.isReady || ageMs > USAGE_MS) this.#usage.look(started);
    });
  }

  /** The last lines of its log, oldest first. */
  async lastLines(maxLines: number): Promise<string[]> {
    const spec = this.#running?.spec ?? this.#lastSpec ?? this.#wanted;
    return spec ? this.#deps.drivers.of(spec).lastLines(this.name, maxLines) : [];
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    const { ready, notReady } = STOP_PATIENCE_MS;
    const patienceMs = this.#readiness.isReady ? this.#deps.drainMs + ready : notReady;
    this.#turn("stopping");
    await this.#deps.drivers.stop(running, patienceMs);
    if (this.#running === running) this.#gone();
  }

  state(): MessageInitShape<typeof EdgeStateSchema> {
    const spec = this.#wanted ?? this.#running?.spec ?? this.#lastSpec;
    const now = this.#deps.clock.nowUnixNano();
    const wish = this.#wish();
    const readiness = this.#readiness;
    return {
      ...(spec && { spec, machine: spec.machine }),
      phase: edgePhaseOf(this.#phase, readiness, now - (this.#running?.startedUnixNano ?? 0n)),
      processId: this.#running?.processId ?? 0,
      current: this.#phase === "running" && wish === "same",
      generation: this.#running?.spec.generation ?? 0n,
      sinceUnixNano: readiness.sinceUnixNano,
      ...this.#ends.state,
      ...this.#usage.state,
      nextStartUnixNano: this.#phase === "waiting" ? this.#nextStartUnixNano() : 0n,
      waitsFor: this.#wanted && wish === "held" ? this.#lacks(this.#wanted) : "",
      containerId: this.#running ? this.#containerId : "",
      givenUp: this.#phase === "givenUp",
    };
  }

  #wish(): Wish {
    if (!this.#wanted) return "none";
    const as = this.#running?.spec ?? this.#lastSpec;
    const wish = as && !equals(EdgeSpecSchema, as, this.#wanted) ? "other" : "same";
    const isToBeStarted = wish === "other" || this.#running === undefined;
    return isToBeStarted && this.#lacks(this.#wanted) !== "" ? "held" : wish;
  }

  #lacks(wanted: EdgeSpec): string {
    return this.#deps.lacks(wanted, this.isReady);
  }

  async #start(): Promise<void> {
    const { drivers, store, clock, logger, restarts } = this.#deps;
    const spec = this.#wanted!;
    if (this.#lastSpec && !equals(EdgeSpecSchema, this.#lastSpec, spec)) restarts.reset();
    this.#lastSpec = spec;
    const startedUnixNano = clock.nowUnixNano();
    const started = { processId: 0, instanceId: randomUUID(), spec, startedUnixNano };
    try {
      // Before it is there, so that the next life of the agent finds it whenever this one ends.
      store.setStarted(started);
      const ended = (how: string) => this.#ended(started, how);
      this.#running = started;
      const running = await drivers.of(spec).start(spec, started.instanceId, ended);
      // It may have ended already.
      if (this.#running !== started) return;
      started.processId = running.processId;
      this.#containerId = running.containerId;
      this.#turn("running");
      logger.info({ edge: this.name, ...running }, "started");
      this.#write(() => store.setStarted(started));
      this.#keepLooking(started);
    } catch (error) {
      this.#forgetStarted();
      this.#running = undefined;
      this.#waitAfter(`it could not be started: ${messageOf(error)}`, 0);
    }
  }

  #ended(started: StartedEdge, how: string): void {
    if (this.#running !== started) return;
    if (this.#phase === "stopping") return this.#gone();
    const ranMs = Number((this.#deps.clock.nowUnixNano() - started.startedUnixNano) / 1_000_000n);
    this.#forgetStarted();
    this.#running = undefined;
    this.#waitAfter(how, ranMs);
  }

  #waitAfter(how: string, ranMs: number): void {
    const { clock, restarts, logger, changed } = this.#deps;
    const pauseMs = restarts.pauseAfter(ranMs, this.#lastSpec?.restart);
    this.#ends.add(how, clock.nowUnixNano());
    this.#nextStartMs = clock.monotonicMs() + (pauseMs ?? 0);
    this.#turn(pauseMs === undefined ? "givenUp" : "waiting");
    const next = pauseMs === undefined ? "it is given up" : { pauseMs: Math.round(pauseMs) };
    logger.warn({ edge: this.name, how, next }, "ended by itself");
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
    this.#usage.reset();
    this.#readiness.reset();
  }

  #nextStartUnixNano(): bigint {
    const leftMs = Math.max(0, this.#nextStartMs - this.#deps.clock.monotonicMs());
    return this.#deps.clock.nowUnixNano() + BigInt(Math.round(leftMs)) * 1_000_000n;
  }
}
