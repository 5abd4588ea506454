/** The loop: what the observer tells becomes incidents, decisions, effects, and a look whether they helped. */
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { effect } from "./actions/effects.ts";
import type { EffectDeps } from "./actions/effects.ts";
import type { Change } from "./core/check-state.ts";
import type { Action, Event } from "./core/decide.ts";
import { decide, describeAction, runbookFor } from "./core/decide.ts";
import type { Observation, Observer } from "./observers/observer.ts";
import type { IncidentRow, Intent, Journal } from "./stores/journal.ts";

/** What people ask for is an incident too: it has a story, and goes on after a restart. */
export const REQUEST = "request";

export interface BotDeps extends EffectDeps {
  observer: Observer;
  journal: Journal;
  clock: Clock;
  logger: Logger;
  verifyMs: number;
}

export class Bot {
  readonly #deps: BotDeps;
  /** Of incidents whose action is done: until when it is looked whether it helped. */
  readonly #verifyUntilMs = new Map<number, number>();

  constructor(deps: BotDeps) {
    this.#deps = deps;
  }

  /** Finishes what an earlier life began, and begins to listen. */
  start(): void {
    const { journal, observer } = this.#deps;
    for (const intent of journal.unsettled()) void this.#carryOut(intent);
    for (const { id, phase } of journal.incidents(1_000, true))
      if (phase === "verifying") this.#verify(id);
    observer.onResult((observation, change) => this.#heard(observation, change));
  }

  /** Flushes an edge because somebody asked. @returns undefined when that is under way already. */
  async flush(edge: string, who: string): Promise<IncidentRow | undefined> {
    const { journal } = this.#deps;
    if (journal.openIncidentOf(edge, REQUEST)) return undefined;
    const title = `${edge}: flush asked for`;
    const { id } = journal.openIncident(
      { object: edge, check: REQUEST, title },
      `${who} asks to flush ${edge}`,
    );
    await this.#carryOut(
      journal.intend(id, { kind: "flush", edge }, describeAction({ kind: "flush", edge })),
    );
    return journal.incident(id);
  }

  #heard(observation: Observation, change: Change): void {
    const { journal, logger } = this.#deps;
    const { object, check, state, output, hard } = observation;
    const open = journal.openIncidentOf(object, check);
    if (state === "critical" && hard && !open) {
      const title = `${object}: ${output}`;
      const incident = journal.openIncident({ object, check, title }, `${check}: ${output}`);
      logger.warn({ incident: incident.id, object, check, output }, "incident");
      return this.#turn(incident, "problem", observation);
    }
    if (!open) return;
    if (state === "ok") this.#turn(open, "recovery", observation);
    else if (this.#isOverdue(open)) this.#turn(open, "timeout", observation);
    else if (change === "hard-problem") this.#turn(open, "problem", observation);
  }

  #turn(incident: IncidentRow, event: Event, observation: Observation | undefined): void {
    const { journal } = this.#deps;
    const { id, phase } = incident;
    switch (decide(phase, event)) {
      case "act":
        return this.#act(incident, observation);
      case "verify":
        return this.#verify(id);
      case "resolve":
        this.#verifyUntilMs.delete(id);
        journal.note(id, "verified", observation?.output ?? "done");
        return journal.note(
          id,
          "closed",
          phase === "open" ? "it ended by itself" : "it is over",
          "resolved",
        );
      case "escalate":
      case "nothing":
    }
  }

  #act(incident: IncidentRow, observation: Observation | undefined): void {
    const { journal, logger } = this.#deps;
    const { id, object, check, actions } = incident;
    const action: Action | undefined = runbookFor(check, object)[actions];
    this.#verifyUntilMs.delete(id);
    if (!action) {
      const tried =
        actions === 0 ? "nothing can be done by itself" : `${actions} actions did not help`;
      logger.error({ incident: id, object, check }, "escalated");
      return journal.note(
        id,
        "escalated",
        `${tried}: ${observation?.output ?? ""}. A person should look.`,
        "escalated",
      );
    }
    journal.note(id, "decided", describeAction(action));
    void this.#carryOut(journal.intend(id, action, describeAction(action)));
  }

  /** The effect, and its result; an effect that was cut off is done again, and recognised by its receiver. */
  async #carryOut(intent: Intent): Promise<void> {
    const { journal, logger, signal } = this.#deps;
    const { incidentId, action } = intent;
    try {
      const result = await effect(intent, this.#deps);
      const isRequest = journal.incident(incidentId)?.check === REQUEST;
      journal.settle(intent, "done", result, "verifying");
      if (isRequest) journal.note(incidentId, "closed", "done as asked", "resolved");
      else this.#verify(incidentId);
    } catch (error) {
      // Cut off by the end of this life: the next one goes on.
      if (signal.aborted) return;
      logger.warn({ incident: incidentId, action, error: messageOf(error) }, "an action failed");
      journal.settle(intent, "failed", messageOf(error), "acting");
      const incident = journal.incident(incidentId)!;
      if (incident.check === REQUEST)
        journal.note(incidentId, "closed", "it could not be done", "resolved");
      else this.#turn(incident, "failed", undefined);
    }
  }

  #verify(id: number): void {
    const { clock, verifyMs } = this.#deps;
    this.#verifyUntilMs.set(id, clock.monotonicMs() + verifyMs);
  }

  #isOverdue({ id, phase }: IncidentRow): boolean {
    const untilMs = this.#verifyUntilMs.get(id);
    return (
      phase === "verifying" && untilMs !== undefined && this.#deps.clock.monotonicMs() > untilMs
    );
  }
}
