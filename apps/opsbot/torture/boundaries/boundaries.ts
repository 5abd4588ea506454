/** SIGKILL at each boundary of the journal and of each effect, one after the other, and then at random moments. */
import type { Progress } from "@glassline/bench/progress";

import type { StoreKind } from "../loop/stage.ts";
import type { Death, Played } from "./play.ts";
import { Theatre } from "./play.ts";
import type { Scenario } from "./scenarios.ts";

const PROBLEMS_MAX = 20;
/** Which lines a life reaches is a matter of chance where things go on side by side: one that is not met is tried again. */
const TRIES = 3;
const BOUNDARIES_MAX = 1_000;
/** For each death at a random moment: a life may have done its work before. */
const RANDOM_TRIES = 10;
/** From the start of the loop. */
export const RESUME_GOAL_MS = 2_000;

export interface Tortured {
  store: StoreKind;
  /** Of all scenarios. */
  boundaries: number;
  /** At which a life ended. */
  died: number;
  /** That were reached in one life, and not again in the next ones. */
  notMet: number;
  /** At random moments: all, and those that found a life at work. */
  randomKills: number;
  randomDied: number;
  resumedMs: number[];
  completeMs: number[];
  /** With the load of the process, which was loaded beside another one. */
  resumedWithLoadMs: number[];
  late: number;
  notAsExpected: number;
  tookMs: number;
  /** For people; the first ones. */
  problems: string[];
}

export interface TortureOptions {
  store: StoreKind;
  scenarios: readonly Scenario[];
  /** So many deaths at random moments. */
  random: number;
}

export async function torture(
  { store, scenarios, random: kills }: TortureOptions,
  random: () => number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  const startMs = performance.now();
  await using theatre = await Theatre.open(store);
  const run = new Run(theatre, store, progress, stopping);
  for (const scenario of scenarios) await run.enumerate(scenario);
  for (let nth = 0; run.all.randomDied < kills && nth < RANDOM_TRIES * kills; nth++) {
    if (stopping.aborted) break;
    await run.killSomewhen(scenarios[nth % scenarios.length]!, random);
  }
  return { ...run.all, tookMs: performance.now() - startMs };
}

class Run {
  readonly #theatre: Theatre;
  readonly #progress: Progress;
  readonly #stopping: AbortSignal;
  /** How long a scenario takes when nobody dies. */
  readonly #spanMs = new Map<string, number>();
  readonly all: Tortured;

  constructor(theatre: Theatre, store: StoreKind, progress: Progress, stopping: AbortSignal) {
    [this.#theatre, this.#progress, this.#stopping] = [theatre, progress, stopping];
    this.all = {
      store,
      boundaries: 0,
      died: 0,
      notMet: 0,
      randomKills: 0,
      randomDied: 0,
      resumedMs: [],
      completeMs: [],
      resumedWithLoadMs: [],
      late: 0,
      notAsExpected: 0,
      tookMs: 0,
      problems: [],
    };
  }

  /** What a life shows that dies is looked at, too: no boundary is left out. */
  async enumerate(scenario: Scenario): Promise<void> {
    const whole = await this.#play(scenario, undefined);
    if (!whole) return;
    const known = new Set(whole.reached);
    for (const at of known) {
      if (known.size > BOUNDARIES_MAX)
        throw new Error(`got ${known.size} boundaries of ${scenario.name}, which has no end`);
      for (const other of await this.#dieAt(scenario, at)) known.add(other);
    }
    this.all.boundaries += known.size;
  }

  async killSomewhen(scenario: Scenario, random: () => number): Promise<void> {
    const spanMs = this.#spanMs.get(scenario.name);
    if (spanMs === undefined) return;
    const played = await this.#play(scenario, { afterMs: random() * spanMs });
    if (!played) return;
    this.all.randomKills++;
    if (played.died) this.#count("randomDied", played);
    // The moments follow how long it takes now.
    else if (played.completeMs > 0)
      this.#spanMs.set(scenario.name, (spanMs + played.completeMs) / 2);
  }

  /** @returns boundaries that it reached. */
  async #dieAt(scenario: Scenario, at: string): Promise<readonly string[]> {
    const reached: string[] = [];
    for (let tries = 0; tries < TRIES; tries++) {
      const played = await this.#play(scenario, { at });
      if (!played) return reached;
      reached.push(...played.reached);
      if (!played.died) continue;
      this.#count("died", played);
      return reached;
    }
    this.all.notMet++;
    this.#progress.say(`${scenario.name}: ${at} was not reached again`);
    return reached;
  }

  #count(what: "died" | "randomDied", { resumedMs, completeMs, loadedMs }: Played): void {
    const { all } = this;
    all[what]++;
    all.resumedMs.push(resumedMs);
    all.completeMs.push(completeMs);
    all.resumedWithLoadMs.push(loadedMs + resumedMs);
    // Also where there is no time.
    if (!(resumedMs <= RESUME_GOAL_MS)) all.late++;
  }

  /** Undefined: it is to end. */
  async #play(scenario: Scenario, death: Death): Promise<Played | undefined> {
    if (this.#stopping.aborted) return undefined;
    const played = await this.#theatre.play(scenario, death);
    const { all } = this;
    if (!death) this.#spanMs.set(scenario.name, played.completeMs);
    const where = death ? ("at" in death ? death.at : `after ${death.afterMs} ms`) : "alive";
    if (played.problems.length > 0) all.notAsExpected++;
    for (const problem of played.problems)
      if (all.problems.length < PROBLEMS_MAX)
        all.problems.push(`${all.store}, ${scenario.name}, ${where}: ${problem}`);
    const done = all.died + all.randomDied;
    this.#progress.tell(
      `${all.store}, ${scenario.name}: ${done} deaths, ${all.problems.length} problems`,
    );
    return played;
  }
}
