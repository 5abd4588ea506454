/** The drivers of one agent: each edge is run by the one that its wish names. */
import type { ContainerDriver, EdgeSpec } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { driverName, kindOf } from "../core/driver-kind.ts";
import type { Driver, Started } from "./driver.ts";

/** What a machine can do is looked at anew after this time. */
const PROBE_INTERVAL_MS = 10_000;
const SWEEP_INTERVAL_MS = 30_000;
/** A container that cannot be stopped, as its engine is away, is left to a sweep after so many tries. */
const [STOP_TRIES_MAX, STOP_PAUSE_MS] = [5, 1_000];

export class Drivers implements AsyncDisposable {
  readonly #all: ReadonlyMap<ContainerDriver, Driver>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #refusals: ReadonlyMap<ContainerDriver, string> = new Map();
  #probedMs = -Infinity;
  #sweptMs = -Infinity;

  constructor(all: readonly Driver[], { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#all = new Map(all.map((driver) => [driver.kind, driver]));
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Throws where the agent has no such driver at all. */
  of(spec: EdgeSpec): Driver {
    const kind = kindOf(spec);
    const driver = this.#all.get(kind);
    if (!driver) throw new Error(`driver: got ${driverName(kind)}, expected ${this.#names()}`);
    return driver;
  }

  /** Resolves when it has ended, or cannot be stopped: then it is removed by a sweep, or before the next start of its edge. */
  async stop(started: Started, patienceMs: number): Promise<void> {
    for (let tries = 1; tries <= STOP_TRIES_MAX; tries++)
      try {
        return await this.of(started.spec).stop(started, patienceMs);
      } catch (error) {
        const { name: edge } = started.spec;
        this.#logger.warn({ edge, tries, error: messageOf(error) }, "it could not be stopped");
        if (tries < STOP_TRIES_MAX) await this.#clock.sleep(STOP_PAUSE_MS);
      }
  }

  /** Those that this machine can use, as it was when it was looked at last. */
  get usable(): ContainerDriver[] {
    return [...this.#all.keys()].filter((kind) => !this.#refusals.has(kind));
  }

  /** Why an edge cannot be run as wished: "driver RUNC: ..."; empty: it can. */
  lacks(spec: EdgeSpec): string {
    const kind = kindOf(spec);
    const refusal = this.#all.has(kind) ? this.#refusals.get(kind) : `expected ${this.#names()}`;
    return refusal === undefined ? "" : `driver ${driverName(kind)}: ${refusal}`;
  }

  /** Looks what this machine can do, where that was not done lately. */
  async probe(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#probedMs < PROBE_INTERVAL_MS) return;
    this.#probedMs = nowMs;
    const found = await Promise.all(
      [...this.#all.values()].map(async (driver) => {
        const refusal = await driver.refusal().catch(messageOf);
        return refusal === undefined ? [] : [[driver.kind, refusal] as const];
      }),
    );
    this.#refusals = new Map(found.flat());
  }

  /** Removes what nobody knows any more, where that was not done lately and the driver can be used. */
  async sweep(isKnown: (edge: string) => boolean): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#sweptMs < SWEEP_INTERVAL_MS) return;
    this.#sweptMs = nowMs;
    for (const kind of this.usable)
      try {
        const removed = await this.#all.get(kind)!.sweep(isKnown);
        if (removed.length > 0)
          this.#logger.warn({ removed }, "removed containers that nobody wishes");
      } catch (error) {
        this.#logger.warn({ error: messageOf(error) }, "containers could not be looked through");
      }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of this.#all.values()) await driver[Symbol.asyncDispose]();
  }

  #names(): string {
    return [...this.#all.keys()].map(driverName).join(" or ");
  }
}
