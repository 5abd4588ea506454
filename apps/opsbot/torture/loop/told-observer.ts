/** An observer that is told what is wrong; all else is well. */
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";

import type { Listener, Observation, Observer } from "../../src/observers/observer.ts";
import type { Problem } from "./words.ts";

/** Like a check that is done often. */
const INTERVAL_MS = 25;
/** Of each object. */
const CHECKS = ["health", "freshness", "hit-rate", "latency"];

export class ToldObserver implements Observer {
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #found = new Map<string, Observation>();
  #listener: Listener | undefined;

  /** @param objects that are looked at, and well. */
  constructor(clock: Clock, objects: readonly string[]) {
    this.#clock = clock;
    for (const object of objects) for (const check of CHECKS) this.#find({ object, check }, "ok");
    void every(clock, INTERVAL_MS, this.#stop.signal, () => this.#tell());
  }

  told(problems: readonly Problem[]): void {
    const critical = new Set(problems.map(keyOf));
    for (const [key, found] of this.#found)
      if (found.state === "critical" && !critical.has(key)) this.#find(found, "ok");
    for (const problem of problems)
      if (this.#found.get(keyOf(problem))?.state !== "critical") this.#find(problem, "critical");
  }

  observations(): Observation[] {
    return [...this.#found.values()];
  }

  onResult(listener: Listener): void {
    this.#listener = listener;
    this.#tell();
  }

  async look(object: string, check: string): Promise<Observation | undefined> {
    return this.#found.get(keyOf({ object, check }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
  }

  #tell(): void {
    for (const found of this.#found.values()) void this.#listener?.(found, "none");
  }

  #find({ object, check }: Problem, state: "ok" | "critical"): void {
    const nowUnixNano = this.#clock.nowUnixNano();
    this.#found.set(keyOf({ object, check }), {
      object,
      check,
      state,
      hard: true,
      output: state === "ok" ? "well" : "not well",
      attempt: 1,
      maxAttempts: 1,
      sinceUnixNano: nowUnixNano,
      lastCheckedUnixNano: nowUnixNano,
    });
  }
}

const keyOf = ({ object, check }: Problem) => `${object}!${check}`;
