/** The loop: what the observer tells becomes incidents, decisions, effects, and a look whether they helped. */
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { effect } from "./actions/effects.ts";
import type { EffectDeps } from "./actions/effects.ts";
import type { Change } from "./core/check-state.ts";
import type { Action, Event, Phase } from "./core/decide.ts";
import { decide, describeAction, runbookFor } from "./core/decide.ts";
import type { Verdict } from "./core/guard.ts";
import { FOR_PEOPLE } from "./core/guard.ts";
import type { Guard } from "./guard.ts";
import type { Observation, Observer } from "./observers/observer.ts";
import type { OpsBotMetrics } from "./metrics.ts";
import type { IncidentRow, Intent, Journal } from "./stores/journal.ts";

/** What people ask for is an incident too: it has a story, and goes on after a restart. */
export const REQUEST = "request";

/** Many targets alert at once: the incident by which people are called. */
const STORM = { object: "automation", check: "storm" } as const;

/** Until what cannot be written down is tried again. */
const RETRY_MS = 1_000;

export interface BotDeps extends EffectDeps {
  observer: Observer;
  guard: Guard;
  journal: Journal;
  clock: Clock;
  logger: Logger;
  metrics: OpsBotMetrics;
  verifyMs: number;
}

export class Bot {
  readonly #deps: BotDeps;
  /** Of incidents whose action is done: until when it is looked whether it helped. */
  readonly #verifyUntilMs = new Map<number, number>();
  #impediment = "";

  constructor(deps: BotDeps) {
    this.#deps = deps;
  }

  /** Why nothing can be done at present; empty when all is well. */
  get impediment(): string {
    return this.#impediment;
  }

  /** Finishes what an earlier life began, and begins to listen. */
  start(): void {
    const { journal, observer } = this.#deps;
    for (const intent of journal.unsettled()) void this.#carryOut(intent);
    observer.onResult((observation, change) => this.#heard(observation, change));
  }

  /** Acts because somebody asked, as far as the guard lets it. */
  async request(
    action: Action,
    who: string,
  ): Promise<{ incident: IncidentRow } | { refused: string }> {
    const { journal, metrics } = this.#deps;
    const begun = journal.atomically(() => this.#beginRequest(action, who));
    if ("refused" in begun) {
      metrics.refusals.inc({ because: begun.because });
      return { refused: begun.refused };
    }
    await this.#carryOut(begun);
    return { incident: journal.incident(begun.incidentId)! };
  }

  #beginRequest(action: Action, who: string): Intent | { refused: string; because: string } {
    const { journal, guard } = this.#deps;
    const { kind, edge } = action;
    if (journal.openIncidentOf(edge, REQUEST))
      return { refused: "what was asked for before is under way", because: "under_way" };
    const verdict = guard.judge(action, { by: "person", runbook: REQUEST });
    if (!verdict.may) return { refused: verdict.says, because: verdict.because };
    const row = { object: edge, check: REQUEST, title: `${edge}: ${kind} asked for` };
    const { id } = journal.openIncident(row, `${who} asks to ${kind} ${edge}`);
    return this.#intend(id, action, REQUEST, verdict.says);
  }

  /**
   * What cannot be written down is not acted on; the next result of the check brings it again.
   * @returns whether nothing is left to do about it.
   */
  #heard(observation: Observation, change: Change): boolean {
    const { journal, guard, logger, metrics } = this.#deps;
    const { object, check, state, output } = observation;
    guard.saw(observation);
    if (change !== "again") metrics.results.inc({ check, state });
    if (change !== "none" && change !== "again")
      logger.info({ object, check, state, output, change }, "state");
    try {
      this.#endStorm();
      const intent = journal.atomically(() => this.#decide(observation));
      metrics.open.set(journal.countOpen());
      this.#impediment = "";
      if (intent) void this.#carryOut(intent);
      return journal.openIncidentOf(object, check) === undefined;
    } catch (error) {
      this.#cannotWrite(error);
      return false;
    }
  }

  #decide(observation: Observation): Intent | undefined {
    const { journal, logger, metrics } = this.#deps;
    const { object, check, state, output, hard, sinceUnixNano } = observation;
    const open = journal.openIncidentOf(object, check);
    if (observation.suppressed !== undefined) return this.#leave(open, observation.suppressed);
    if (open) return this.#turn(open, eventOf(observation, this.#isOverdue(open)), output);
    if (state !== "critical" || !hard) return undefined;
    const title = `${object}: ${output}`;
    const told = `${check}: ${output}`;
    const incident = journal.openIncident({ object, check, title }, told, sinceUnixNano);
    logger.warn({ incident: incident.id, object, check, output }, "incident");
    metrics.incidents.inc({ check });
    return this.#turn(incident, "problem", output);
  }

  /** @returns what is to be done now, and is written down. */
  #turn(incident: IncidentRow, event: Event | undefined, output: string): Intent | undefined {
    const { journal } = this.#deps;
    const { id, phase } = incident;
    switch (event && decide(phase, event)) {
      case "act":
        return this.#act(incident, output);
      case "verify":
        journal.turn(id, "verifying");
        this.#verify(id);
        return undefined;
      case "resolve":
        this.#verifyUntilMs.delete(id);
        journal.note(id, "verified", `${incident.check} is ok: ${output}`);
        journal.note(
          id,
          "closed",
          phase === "open" ? "it ended by itself" : "it is over",
          "resolved",
        );
        return undefined;
      default:
        return undefined;
    }
  }

  #act(incident: IncidentRow, output: string): Intent | undefined {
    const { journal, guard } = this.#deps;
    const { id, object, check, actions } = incident;
    const suppressed = this.#suppressed(incident);
    if (suppressed !== undefined) return this.#leave(incident, suppressed, "open");
    const action: Action | undefined = runbookFor(check, object)[actions];
    if (action) {
      const step = { incidentId: id, action: actions };
      const verdict = guard.judge(action, { by: "alert", runbook: check, step });
      if (!verdict.may) return this.#refused(incident, verdict);
      journal.note(id, "decided", verdict.says);
      return this.#intend(id, action, check, describeAction(action));
    }
    const tried =
      actions === 0 ? "nothing can be done by itself" : `${actions} actions did not help`;
    this.#escalate(incident, `${tried}: ${output}`);
    return undefined;
  }

  #intend(id: number, action: Action, runbook: string, says: string): Intent {
    const { journal, guard } = this.#deps;
    const intent = journal.intend(id, action, says);
    guard.begin(intent, runbook);
    return intent;
  }

  /** Also while no result is heard: an action may have ended. */
  #suppressed({ object, check }: IncidentRow): string | undefined {
    const observations = this.#deps.observer.observations();
    return observations.find((each) => each.object === object && each.check === check)?.suppressed;
  }

  /** Its story says so once; when nothing stands in the way any more, the problem brings it up again. */
  #leave(incident: IncidentRow | undefined, why: string, phase?: Phase): undefined {
    if (!incident || incident.phase === "escalated") return;
    const { journal } = this.#deps;
    const text = `left alone: ${why}`;
    const last = journal.entries(incident.id).findLast(({ kind }) => kind === "decided");
    if (last?.text !== text) journal.note(incident.id, "decided", text, phase);
    else if (phase) journal.turn(incident.id, phase);
  }

  #escalate({ id, object, check }: IncidentRow, why: string): void {
    const { journal, logger, metrics } = this.#deps;
    logger.error({ incident: id, object, check, why }, "escalated");
    metrics.escalations.inc({ check });
    journal.note(id, "escalated", `${why}. A person should look.`, "escalated");
  }

  /** Waiting ends most refusals: the next result of the check brings it up again. */
  #refused(incident: IncidentRow, { because, says }: Extract<Verdict, { may: false }>): undefined {
    const { journal, metrics } = this.#deps;
    const text = `wait: ${says}`;
    if (journal.entries(incident.id).at(-1)?.text === text)
      return void journal.turn(incident.id, "open");
    metrics.refusals.inc({ because });
    if (because === "storm") this.#callPeople(says);
    if (FOR_PEOPLE.has(because)) this.#escalate(incident, says);
    else journal.note(incident.id, "decided", text, "open");
    return undefined;
  }

  /** Once for a storm. */
  #callPeople(says: string): void {
    const { journal } = this.#deps;
    if (journal.openIncidentOf(STORM.object, STORM.check)) return;
    const row = { ...STORM, title: `${STORM.object}: ${says}` };
    this.#escalate(journal.openIncident(row, says), says);
  }

  #endStorm(): void {
    const { journal, guard } = this.#deps;
    const open = guard.isStormy ? undefined : journal.openIncidentOf(STORM.object, STORM.check);
    if (open) journal.note(open.id, "closed", "it is over", "resolved");
  }

  /** The effect, and its result; what was cut off is done again, and recognised by its receiver. */
  async #carryOut(first: Intent): Promise<void> {
    const { clock, signal } = this.#deps;
    let intent: Intent | undefined = first;
    while (intent && !signal.aborted) {
      try {
        intent = await this.#attempt(intent);
      } catch (error) {
        this.#cannotWrite(error);
        await clock.sleep(RETRY_MS, signal).catch(() => {});
      }
    }
  }

  /** @returns what is to be done next. Rejects when the result cannot be written down. */
  async #attempt(intent: Intent): Promise<Intent | undefined> {
    const { journal, logger, metrics, signal } = this.#deps;
    const { incidentId, action } = intent;
    const { done, text } = await effect(intent, this.#deps).then(
      (result) => ({ done: true, text: result }),
      (error: unknown) => ({ done: false, text: messageOf(error) }),
    );
    // Cut off by the end of this life: the next one goes on.
    if (signal.aborted) return undefined;
    if (!done) logger.warn({ incident: incidentId, action, error: text }, "an action failed");
    metrics.actions.inc({ action: action.kind, result: done ? "done" : "failed" });
    return journal.atomically(() => {
      const incident = journal.incident(incidentId)!;
      journal.settle(intent, done ? "done" : "failed", text);
      if (incident.check === REQUEST) {
        const end = done ? "done as asked" : "it could not be done";
        journal.note(incidentId, "closed", end, "resolved");
        return undefined;
      }
      return this.#turn(incident, done ? "done" : "failed", text);
    });
  }

  #cannotWrite(error: unknown): void {
    const { logger, signal } = this.#deps;
    if (signal.aborted) return;
    this.#impediment = `the journal cannot be written: ${messageOf(error)}`;
    logger.error({ error: messageOf(error) }, "the journal cannot be written: nothing is done");
  }

  #verify(id: number): void {
    const { clock, verifyMs } = this.#deps;
    this.#verifyUntilMs.set(id, clock.monotonicMs() + verifyMs);
  }

  /** An earlier life's patience is begun anew. */
  #isOverdue({ id, phase }: IncidentRow): boolean {
    if (phase !== "verifying") return false;
    if (!this.#verifyUntilMs.has(id)) this.#verify(id);
    return this.#deps.clock.monotonicMs() > this.#verifyUntilMs.get(id)!;
  }
}

/** What a result means to an open incident; a problem that is not believed yet, and less than a critical one, means nothing. */
function eventOf({ state, hard }: Observation, isOverdue: boolean): Event | undefined {
  if (state === "ok") return "recovery";
  if (isOverdue) return "timeout";
  return state === "critical" && hard ? "problem" : undefined;
}
