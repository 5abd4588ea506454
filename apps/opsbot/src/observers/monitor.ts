/** The embedded monitor: runs checks at intervals, with soft and hard states. */
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import type { CheckState } from "../core/check-state.ts";
import { PENDING, afterResult } from "../core/check-state.ts";
import type { Finding, Listener, Observation, Observer } from "./observer.ts";

export interface Check {
  name: string;
  maxAttempts: number;
  volatile: boolean;
  /**
   * Looks at all its objects. A rejection is UNKNOWN for those known before.
   * @param isAnew what another check was told a moment ago does not count.
   */
  run(isAnew?: boolean): Promise<Finding[]>;
}

interface Known {
  finding: Finding;
  state: CheckState;
  checkedUnixNano: bigint;
}

export class Monitor implements Observer {
  readonly #checks: readonly Check[];
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #listeners: Listener[] = [];
  readonly #stop = new AbortController();
  /** Of each run of a check that is under way: what was forgotten since it began. */
  readonly #gone = new Set<Set<string>>();

  constructor(checks: readonly Check[], clock: Clock) {
    this.#checks = checks;
    this.#clock = clock;
  }

  start(intervalMs: number): void {
    for (const check of this.#checks)
      void every(this.#clock, intervalMs, this.#stop.signal, () => this.#run(check));
  }

  onResult(listener: Listener): void {
    this.#listeners.push(listener);
  }

  observations(): Observation[] {
    return [...this.#known.values()].map((known) => this.#observation(known));
  }

  /** A look is a result like any other. */
  async look(object: string, check: string): Promise<Observation | undefined> {
    const looked = this.#checks.find(({ name }) => name === check);
    if (looked) await this.#run(looked, true);
    const known = this.#known.get(`${object}!${check}`);
    return known && this.#observation(known);
  }

  /** It is there no more; who is looking at it now has seen it too early. */
  forget(object: string): void {
    for (const gone of this.#gone) gone.add(object);
    for (const [key, { finding }] of this.#known)
      if (finding.object === object) this.#known.delete(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
  }

  async #run(check: Check, isAnew = false): Promise<void> {
    const gone = new Set<string>();
    this.#gone.add(gone);
    const findings = await check
      .run(isAnew)
      .catch((error: unknown) => this.#unknown(check, messageOf(error)));
    this.#gone.delete(gone);
    if (this.#stop.signal.aborted) return;
    for (const finding of findings) if (!gone.has(finding.object)) this.#take(check, finding);
  }

  #unknown({ name }: Check, reason: string): Finding[] {
    const objects = [...this.#known.values()].filter(({ finding }) => finding.check === name);
    return objects.map(({ finding: { object } }) => ({
      object,
      check: name,
      state: "unknown",
      output: reason,
    }));
  }

  #take(check: Check, finding: Finding): void {
    const key = `${finding.object}!${finding.check}`;
    const nowUnixNano = this.#clock.nowUnixNano();
    const before = this.#known.get(key)?.state ?? PENDING;
    if (finding.state === "pending") {
      this.#known.set(key, { finding, state: before, checkedUnixNano: nowUnixNano });
      return;
    }
    const { after, change } = afterResult(before, finding.state, check, nowUnixNano);
    const known = { finding, state: after, checkedUnixNano: nowUnixNano };
    this.#known.set(key, known);
    for (const listener of this.#listeners) void listener(this.#observation(known), change);
  }

  #observation({ finding, state, checkedUnixNano }: Known): Observation {
    const maxAttempts = this.#checks.find(({ name }) => name === finding.check)?.maxAttempts ?? 1;
    return { ...finding, ...state, maxAttempts, lastCheckedUnixNano: checkedUnixNano };
  }
}
