/** The loop: what the observer tells becomes incidents, decisions, effects, and a look whether they helped. For one term of leading. */
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { DesiredState } from "./actions/desired-state.ts";
import type { Action } from "./core/action.ts";
import type { Change } from "./core/check-state.ts";
import type { Guard } from "./guard.ts";
import { Incidents } from "./incidents.ts";
import type { OpsBotMetrics } from "./metrics.ts";
import type { Observation, Observer } from "./observers/observer.ts";
import type { IncidentRow } from "./stores/incidents.ts";
import type { Intent } from "./stores/intents.ts";
import type { Journal } from "./stores/journal.ts";
import { NotLeadingError } from "./stores/sql.ts";
import { Times } from "./times.ts";
import type { Turn } from "./turn.ts";
import { takeTurn } from "./turn.ts";

/** So many results share a transaction. */
const BATCH_MAX = 200;
/** Until what cannot be written down is tried again. */
const RETRY_MS = 1_000;
/** A look just before acting. */
const LOOK_TIMEOUT_MS = 3_000;

export interface BotDeps {
  observer: Pick<Observer, "observations" | "look">;
  guard: Guard;
  journal: Journal;
  wish: DesiredState["wish"];
  /** Does what was intended, and says what came of it. */
  effect: (intent: Intent) => Promise<string>;
  clock: Clock;
  logger: Logger;
  metrics: OpsBotMetrics;
  verifyMs: number;
  /** Aborted at the end of the term. */
  signal: AbortSignal;
}

interface Heard {
  observation: Observation;
  settle: ((isSettled: boolean) => void)[];
}

export type Requested =
  | { incident: IncidentRow; intent: Intent }
  | { refused: string; because: string };

export class Bot {
  readonly #deps: BotDeps;
  readonly #incidents: Incidents;
  /** By object and check: what is newer takes the place of what is older. */
  readonly #heard = new Map<string, Heard>();
  #isTaking = false;
  /** Incidents of which it is being looked whether to act. */
  readonly #considered = new Set<number>();
  /** Keys of what is being done. */
  readonly #underWay = new Set<string>();
  #impediment = "";

  constructor(deps: BotDeps) {
    this.#deps = deps;
    this.#incidents = new Incidents({
      ...deps,
      times: new Times(deps.metrics),
      act: (id) => void this.#consider(id),
      carryOut: (intent) => void this.#carryOut(intent),
    });
  }

  /** Why nothing can be done at present; empty when all is well. */
  get impediment(): string {
    return this.#impediment;
  }

  /** Finishes what an earlier term began, and takes in what is known already. */
  async start(): Promise<void> {
    await this.#incidents.begin(this.#deps.journal);
    await this.#resume();
    for (const observation of this.#deps.observer.observations())
      void this.hear(observation, "again");
  }

  /** @returns whether nothing is left to do about it. What cannot be written down is not acted on. */
  hear(observation: Observation, change: Change): Promise<boolean> {
    const { metrics, logger } = this.#deps;
    const { object, check, state, output } = observation;
    if (change !== "again") metrics.results.inc({ check, state });
    if (change !== "none" && change !== "again")
      logger.info({ object, check, state, output, change }, "state");
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const key = `${object}!${check}`;
    const settle = [...(this.#heard.get(key)?.settle ?? []), resolve];
    this.#heard.set(key, { observation, settle });
    void this.#takeIn();
    return promise;
  }

  /**
   * Acts because somebody asked, as far as the guard lets it. Rejects when it cannot be written down.
   * @param isLong its end is not waited for.
   */
  async request(action: Action, who: string, isLong = false): Promise<Requested> {
    const begun = await this.#turn((turn) => this.#incidents.request(action, who, turn));
    if ("refused" in begun) {
      this.#deps.metrics.refusals.inc({ because: begun.because });
      return begun;
    }
    const carried = this.#carryOut(begun);
    if (!isLong) await carried;
    const incident = await this.#deps.journal.incident(begun.incidentId);
    return { incident: incident!, intent: begun };
  }

  async #takeIn(): Promise<void> {
    if (this.#isTaking) return;
    this.#isTaking = true;
    while (this.#heard.size > 0) {
      const batch = this.#heard.entries().take(BATCH_MAX).toArray();
      for (const [key] of batch) this.#heard.delete(key);
      await this.#take(batch.map(([, heard]) => heard));
    }
    this.#isTaking = false;
  }

  async #take(batch: readonly Heard[]): Promise<void> {
    const { journal, metrics, signal } = this.#deps;
    try {
      signal.throwIfAborted();
      const settled = await this.#turn(async (turn) => {
        await this.#incidents.endStorm(turn);
        const settled: boolean[] = [];
        for (const { observation } of batch)
          settled.push(await this.#incidents.decide(observation, turn));
        return settled;
      });
      metrics.open.set(await journal.countOpen());
      if (this.#impediment !== "") await this.#resume();
      this.#impediment = "";
      for (const [at, { settle }] of batch.entries()) for (const each of settle) each(settled[at]!);
    } catch (error) {
      await this.#afterFailure(batch, error);
    }
  }

  /** One that cannot be taken in does not keep the others from it. */
  async #afterFailure(batch: readonly Heard[], error: unknown): Promise<void> {
    this.#cannotWrite(error);
    if (batch.length > 1 && !(error instanceof NotLeadingError) && !this.#deps.signal.aborted)
      for (const one of batch) await this.#take([one]);
    else for (const each of batch.flatMap(({ settle }) => settle)) each(false);
  }

  /**
   * What is decided is written down as a whole; what follows from it comes after that. Nothing follows from what an earlier term's loop
   * would still write when its process leads again.
   */
  #turn<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    return takeTurn(this.#deps.journal, (turn) => {
      if (this.#deps.signal.aborted) throw new NotLeadingError("the term of this OpsBot is over");
      return work(turn);
    });
  }

  /** What was begun, and whose result is not known. */
  async #resume(): Promise<void> {
    for (const intent of await this.#deps.journal.unsettled()) void this.#carryOut(intent);
  }

  /** Looks at the problem again just before something is done about it. */
  async #consider(id: number): Promise<void> {
    if (this.#considered.has(id)) return;
    this.#considered.add(id);
    try {
      const incident = await this.#deps.journal.incident(id);
      const seen = incident && (await this.#look(incident));
      const intent = await this.#turn((turn) => this.#incidents.act(id, seen, turn));
      if (intent) void this.#carryOut(intent);
    } catch (error) {
      this.#cannotWrite(error);
    } finally {
      this.#considered.delete(id);
    }
  }

  /** @returns what is seen; as unknown, when it cannot be looked at. */
  async #look({ object, check }: IncidentRow): Promise<Observation | undefined> {
    const { observer, clock } = this.#deps;
    const known = observer
      .observations()
      .find((one) => one.object === object && one.check === check);
    const done = new AbortController();
    const late = clock.sleep(LOOK_TIMEOUT_MS, done.signal).then(
      () => Promise.reject(new Error("it takes too long")),
      () => undefined,
    );
    try {
      return await Promise.race([observer.look(object, check), late]);
    } catch (error) {
      return known && { ...known, state: "unknown", output: messageOf(error) };
    } finally {
      done.abort();
    }
  }

  /** The effect, and its result; what was cut off is done again, and recognised by its receiver. */
  async #carryOut(intent: Intent): Promise<void> {
    const { clock, signal } = this.#deps;
    if (this.#underWay.has(intent.idempotencyKey)) return;
    this.#underWay.add(intent.idempotencyKey);
    let isSettled = false;
    while (!isSettled && !signal.aborted) {
      try {
        isSettled = await this.#attempt(intent);
      } catch (error) {
        this.#cannotWrite(error);
        await clock.sleep(RETRY_MS, signal).catch(() => {});
      }
    }
    this.#underWay.delete(intent.idempotencyKey);
  }

  /** @returns whether its result is written down. Rejects when it cannot be. */
  async #attempt(intent: Intent): Promise<boolean> {
    const { effect, logger, metrics, signal } = this.#deps;
    const { incidentId, action } = intent;
    const { done, text } = await effect(intent).then(
      (result) => ({ done: true, text: result }),
      (error: unknown) => ({ done: false, text: messageOf(error) }),
    );
    // Cut off by the end of this term: the next one goes on.
    if (signal.aborted) return false;
    if (!done) logger.warn({ incident: incidentId, action, error: text }, "an action failed");
    await this.#turn((turn) => this.#incidents.settled(intent, { done, text }, turn));
    metrics.actions.inc({ action: action.kind, result: done ? "done" : "failed" });
    return true;
  }

  #cannotWrite(error: unknown): void {
    const { logger, signal } = this.#deps;
    if (signal.aborted || error instanceof NotLeadingError) return;
    this.#impediment = `the journal cannot be written: ${messageOf(error)}`;
    logger.error({ error: messageOf(error) }, "the journal cannot be written: nothing is done");
  }
}
