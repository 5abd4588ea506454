/** The drivers of one agent: each edge is run by the one that its wish names. */
import type { ContainerDriver, EdgeSpec } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import { driverName, kindOf } from "../core/driver-kind.ts";
import type { Driver } from "./driver.ts";

/** What a machine can do is looked at anew after this time. */
const PROBE_INTERVAL_MS = 10_000;

export class Drivers implements AsyncDisposable {
  readonly #all: ReadonlyMap<ContainerDriver, Driver>;
  readonly #clock: Clock;
  #refusals: ReadonlyMap<ContainerDriver, string> = new Map();
  #probedMs = -Infinity;

  constructor(all: readonly Driver[], clock: Clock) {
    this.#all = new Map(all.map((driver) => [driver.kind, driver]));
    this.#clock = clock;
  }

  /** Throws where the agent has no such driver at all. */
  of(spec: EdgeSpec): Driver {
    const kind = kindOf(spec);
    const driver = this.#all.get(kind);
    if (!driver) throw new Error(`driver: got ${driverName(kind)}, expected ${this.#names()}`);
    return driver;
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

  /** Removes what nobody knows any more, where the driver can be used. @returns what was removed. */
  async sweep(known: ReadonlySet<string>): Promise<string[]> {
    const usable = this.usable.map((kind) => this.#all.get(kind)!);
    return (await Promise.all(usable.map((driver) => driver.sweep(known)))).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of this.#all.values()) await driver[Symbol.asyncDispose]();
  }

  #names(): string {
    return [...this.#all.keys()].map(driverName).join(" or ");
  }
}
