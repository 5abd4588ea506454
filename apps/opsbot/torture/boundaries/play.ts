/** A scenario, once: OpsBot's loop dies somewhere, another life goes on, and all must be as if nothing had been. */
import { setTimeout as delay } from "node:timers/promises";

import type { LoopProcess } from "../loop/loop-process.ts";
import { isComplete, isReady } from "../loop/loop-process.ts";
import type { Effect } from "../loop/recording-peer.ts";
import type { StoreKind } from "../loop/stage.ts";
import { Stage } from "../loop/stage.ts";
import type { Told } from "../loop/words.ts";
import type { Scenario } from "./scenarios.ts";
import { problemsOf } from "./verdict.ts";

const NAME = "opsbot";
const READY_MS = 60_000;
const COMPLETE_MS = 30_000;
/** Begins the story's own lines: what comes before is a term's, with the first commit. */
const OWN = /^(commit (?!1 )|(purge|prime|setDraining|setDesiredState) )/;

/** Where a first life ends: at a boundary, or after a time; undefined: it lives. */
export type Death = { at: string } | { afterMs: number } | undefined;

export interface Played {
  /** Boundaries that the first life reached. */
  reached: string[];
  /** Of a life that was to die: whether it did before all was over. */
  died: boolean;
  /** Of the last life, from its loop's start: until it went on, and until all was over. */
  resumedMs: number;
  completeMs: number;
  /** From its process's start until its loop's. */
  loadedMs: number;
  /** For people. */
  problems: string[];
}

export class Theatre implements AsyncDisposable {
  readonly #stage: Stage;
  #scenario: Scenario | undefined;
  #isOver = false;
  #life: LoopProcess | undefined;

  private constructor(stage: Stage) {
    this.#stage = stage;
    stage.peer.onEffect = (effect) => this.#hear(effect);
  }

  static async open(store: StoreKind): Promise<Theatre> {
    return new Theatre(await Stage.open({ store, names: [NAME] }));
  }

  async play(scenario: Scenario, death: Death): Promise<Played> {
    await this.#stage.clear();
    [this.#scenario, this.#isOver] = [scenario, false];
    await using first = this.#stage.loop(NAME);
    // Loaded meanwhile, so that it takes less time.
    await using second = death && this.#stage.loop(NAME);
    const problems: string[] = [];
    let last = first;
    let died = false;
    try {
      await Promise.all([loaded(first), second && loaded(second)]);
      died = await this.#liveOnce(first, death);
      if (died && second) await this.#liveOnce((last = second), undefined);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
    await last.kill();
    await using journal = this.#stage.journal();
    problems.push(...(await problemsOf(scenario, journal, this.#stage.peer.effects)));
    return { reached: first.reached, died, ...timesOf(last.told), problems };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stage[Symbol.asyncDispose]();
  }

  /** @returns whether it died before all was over. */
  async #liveOnce(life: LoopProcess, death: Death): Promise<boolean> {
    this.#life = life;
    this.#tellProblems();
    const { request } = this.#scenario!;
    life.order({ begin: { request, dieAt: death && "at" in death ? death.at : undefined } });
    const complete = life.until("the end of all incidents", isComplete, COMPLETE_MS);
    if (death && "afterMs" in death) {
      await Promise.race([complete, delay(death.afterMs)]);
      await life.kill();
    }
    const isOver = (await complete) !== undefined;
    if (!isOver && !death) throw new Error(`the loop has ended by itself\n${life.said}`);
    await life.kill();
    return !isOver;
  }

  #tellProblems(): void {
    const problem = this.#scenario?.problem;
    this.#life?.order({ problems: problem && !this.#isOver ? [problem] : [] });
  }

  #hear({ what }: Effect): void {
    if (what !== this.#scenario?.endsWith) return;
    this.#isOver = true;
    this.#tellProblems();
  }
}

async function loaded(life: LoopProcess): Promise<void> {
  if (!(await life.until("the loop is loaded", isReady, READY_MS)))
    throw new Error(`the loop could not be loaded\n${life.said}`);
}

function timesOf(told: readonly Told[]): Pick<Played, "resumedMs" | "completeMs" | "loadedMs"> {
  const completeMs = told.find(isComplete)?.ms ?? Number.NaN;
  const own = told.find((one) => "at" in one && OWN.test(one.at)) as { ms: number } | undefined;
  return {
    // Where nothing was left to do it is seen that it is so.
    resumedMs: own?.ms ?? completeMs,
    completeMs,
    loadedMs: told.find(isReady)?.sinceStartMs ?? Number.NaN,
  };
}
