/** What becomes of incidents, a turn at a time: opened, acted on, looked at, closed, or handed to people. */
import type { Clock } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";

import type { DesiredState } from "./actions/desired-state.ts";
import type { Action } from "./core/action.ts";
import type { Event } from "./core/decide.ts";
import { decide } from "./core/decide.ts";
import type { Verdict } from "./core/guard.ts";
import { FOR_PEOPLE } from "./core/guard.ts";
import { answersTo, runbookOf } from "./core/runbooks/catalogue.ts";
import { escalation } from "./core/runbooks/escalate.ts";
import type { Runbook } from "./core/runbooks/runbook.ts";
import { isOver } from "./core/runbooks/runbook.ts";
import type { Guard } from "./guard.ts";
import type { OpsBotMetrics } from "./metrics.ts";
import type { Observation, Observer } from "./observers/observer.ts";
import type { IncidentRow } from "./stores/incidents.ts";
import { REQUEST } from "./stores/incidents.ts";
import type { Intent } from "./stores/intents.ts";
import type { Reads } from "./stores/journal.ts";
import type { Times } from "./times.ts";
import type { Turn } from "./turn.ts";

/** Many targets alert at once: the incident by which people are called. */
const STORM = { object: "automation", check: "storm" } as const;

/** Who does what nobody asked for, in the audit. */
const AUTOMATION = "automation";

export interface IncidentsDeps {
  observer: Pick<Observer, "observations">;
  guard: Guard;
  /** Within the transaction of an intent: chooses what the action leaves open, and writes down what shall be. */
  wish: DesiredState["wish"];
  clock: Clock;
  logger: Logger;
  metrics: OpsBotMetrics;
  times: Times;
  verifyMs: number;
  /** It may be time to act about an incident. */
  act: (id: number) => void;
  carryOut: (intent: Intent) => void;
}

export class Incidents {
  readonly #deps: IncidentsDeps;
  /** Of incidents whose action is done: until when it is looked whether it helped. */
  readonly #verifyUntilMs = new Map<number, number>();

  constructor(deps: IncidentsDeps) {
    this.#deps = deps;
  }

  /** @returns whether nothing is left to do about it. */
  async decide(observation: Observation, turn: Turn): Promise<boolean> {
    const { object, check, state, output, hard } = observation;
    const open = await turn.records.openIncidentOf(object, check);
    if (observation.suppressed !== undefined) {
      if (open) await this.#leave(open, observation.suppressed, turn);
      return open === undefined;
    }
    if (open) return this.#goOn(open, this.#eventOf(observation, open), output, turn);
    if (state !== "critical" || !hard) return true;
    await this.#open(observation, turn);
    return false;
  }

  async #open(observation: Observation, turn: Turn): Promise<void> {
    const { guard, logger, metrics, times, clock } = this.#deps;
    const { object, check, output, sinceUnixNano } = observation;
    const about = { object, check, title: `${object}: ${output}` };
    const told = `${check}: ${output}`;
    const incident = await turn.records.openIncident(about, told, sinceUnixNano);
    await guard.came(incident.id, turn.records.guard);
    turn.afterwards(() => {
      logger.warn({ incident: incident.id, object, check, output }, "incident");
      metrics.incidents.inc({ check });
      times.opened({ check, sinceUnixNano, nowUnixNano: clock.nowUnixNano() });
    });
    await this.#goOn(incident, "problem", output, turn);
  }

  /** @returns whether it is closed. */
  async #goOn(
    incident: IncidentRow,
    event: Event | undefined,
    output: string,
    turn: Turn,
  ): Promise<boolean> {
    const { id, phase } = incident;
    switch (event && decide(phase, event)) {
      case "act":
        if (phase !== "open") await turn.records.turn(id, "open");
        await this.#propose(incident, output, turn);
        return false;
      case "verify":
        await turn.records.turn(id, "verifying");
        this.#verify(id);
        return false;
      case "resolve":
        return this.#resolve(incident, output, turn);
      case "rest":
        await turn.records.note(id, "decided", `it helped: ${output}`, "open");
        return false;
      default:
        return false;
    }
  }

  /** Whether there is something to do, and it may be done; then it is looked again before it is. */
  async #propose(incident: IncidentRow, output: string, turn: Turn): Promise<void> {
    const runbook = this.#nextOf(incident);
    if (!runbook) return this.#escalate(incident, escalation(incident.actions, output), turn);
    const verdict = await this.#judge(runbook.plan(incident.object), incident, turn);
    if (!verdict.may) return this.#refused(incident, verdict, turn);
    turn.afterwards(() => this.#deps.act(incident.id));
  }

  /** As the next action of an incident. */
  #judge(action: Action, { id, check, actions }: IncidentRow, { records }: Turn): Promise<Verdict> {
    const step = { incidentId: id, action: actions };
    return this.#deps.guard.judge(action, { by: "alert", runbook: check, step }, records.guard);
  }

  #nextOf({ object, check, actions }: IncidentRow): Runbook | undefined {
    return answersTo(check, this.#deps.guard.kindOf(object))[actions];
  }

  /** @param seen just before; undefined: nothing is known of it. @returns what is to be done now, and is written down. */
  async act(id: number, seen: Observation | undefined, turn: Turn): Promise<Intent | undefined> {
    const incident = await turn.records.incident(id);
    const runbook = incident?.phase === "open" ? this.#nextOf(incident) : undefined;
    if (!incident || !runbook) return undefined;
    const why = runbook.observe(seen);
    if (why !== undefined) return this.#leave(incident, why, turn);
    const action = runbook.plan(incident.object);
    const verdict = await this.#judge(action, incident, turn);
    if (!verdict.may) return this.#refused(incident, verdict, turn);
    const wished = await this.#deps.wish(action, turn.records);
    if ("cannot" in wished) return this.#skip(incident, `${runbook.name}: ${wished.cannot}`, turn);
    await turn.records.note(id, "decided", `${runbook.name}: ${verdict.says}`);
    const { check, actions: nth, openedUnixNano } = incident;
    const nowUnixNano = this.#deps.clock.nowUnixNano();
    turn.afterwards(() =>
      this.#deps.times.acted({ check, action: nth, openedUnixNano, nowUnixNano }),
    );
    return this.#intend(incident, wished, verdict.says, AUTOMATION, turn);
  }

  /** A runbook that is not for this network: the next one has its turn. */
  async #skip(incident: IncidentRow, why: string, turn: Turn): Promise<undefined> {
    await turn.records.note(incident.id, "decided", why);
    await turn.records.skip(incident.id);
    const next = { ...incident, actions: incident.actions + 1 };
    await this.#propose(next, why, turn);
  }

  /** Because a person asks. */
  async request(
    action: Action,
    who: string,
    turn: Turn,
  ): Promise<Intent | { refused: string; because: string }> {
    const { records } = turn;
    const { kind, target } = action;
    if (await records.openIncidentOf(target, REQUEST))
      return { refused: "what was asked for before is under way", because: "under_way" };
    const asked = { by: "person", runbook: REQUEST } as const;
    const verdict = await this.#deps.guard.judge(action, asked, records.guard);
    if (!verdict.may) return { refused: verdict.says, because: verdict.because };
    const wished = await this.#deps.wish(action, records);
    if ("cannot" in wished) return { refused: wished.cannot, because: "impossible" };
    const about = { object: target, check: REQUEST, title: `${target}: ${kind} asked for` };
    const incident = await records.openIncident(about, `${who} asks to ${kind} ${target}`);
    return this.#intend(incident, wished, verdict.says, who, turn);
  }

  /** Writes down what came of it, and goes on. */
  async settled(
    intent: Intent,
    { done, text }: { done: boolean; text: string },
    turn: Turn,
  ): Promise<void> {
    const { records } = turn;
    const incident = (await records.incident(intent.incidentId))!;
    const kind = done ? "done" : "failed";
    if (!(await records.settle(intent, kind, text))) return;
    const { action, idempotencyKey } = intent;
    await records.witness({
      who: AUTOMATION,
      what: `${kind}: ${describe(action)} [${idempotencyKey}]`,
      before: "",
      after: `${text}; ${this.#stateOf(action.target)}`,
    });
    if (incident.check !== REQUEST) {
      await this.#goOn(incident, kind, text, turn);
      return;
    }
    const end = done ? "done as asked" : "it could not be done";
    await records.note(incident.id, "closed", end, "resolved");
  }

  /** What automation did for a while is taken back before the incident is closed. */
  async #resolve(incident: IncidentRow, output: string, turn: Turn): Promise<boolean> {
    const { records } = turn;
    const { id, check, actions } = incident;
    this.#verifyUntilMs.delete(id);
    if (await this.#takeBack(incident, output, turn)) return false;
    await records.note(id, "verified", `${check} is ok: ${output}`);
    const end = actions === 0 ? "it ended by itself" : "it is over";
    await records.note(id, "closed", end, "resolved");
    await this.#deps.guard.went(id, records.guard);
    const { openedUnixNano } = incident;
    const nowUnixNano = this.#deps.clock.nowUnixNano();
    turn.afterwards(() => this.#deps.times.recovered({ check, openedUnixNano, nowUnixNano }));
    return true;
  }

  /** @returns whether something is being taken back. */
  async #takeBack(incident: IncidentRow, output: string, turn: Turn): Promise<boolean> {
    const [last] = incident.actions > 0 ? await turn.records.intentsOf(incident.id) : [];
    const runbook = last && runbookOf(last.action);
    const back = runbook?.isForAWhile ? runbook.undo?.(last!.action) : undefined;
    if (!back || incident.phase === "escalated") return false;
    const asked = { by: "person", runbook: incident.check } as const;
    const verdict = await this.#deps.guard.judge(back, asked, turn.records.guard);
    if (!verdict.may) {
      await this.#escalate(incident, `${output}, but what was done stays: ${verdict.says}`, turn);
      return true;
    }
    const intent = await this.#intend(incident, back, verdict.says, AUTOMATION, turn);
    turn.afterwards(() => this.#deps.carryOut(intent));
    return true;
  }

  async #intend(
    incident: IncidentRow,
    action: Action,
    says: string,
    who: string,
    { records }: Turn,
  ): Promise<Intent> {
    const intent = await records.intend(incident, action, says);
    await this.#deps.guard.wrote(intent, incident.check, records.guard);
    await records.witness({
      who,
      what: `will: ${describe(action)} [${intent.idempotencyKey}]`,
      before: this.#stateOf(action.target),
      after: "",
    });
    return intent;
  }

  /** What is known of it: "freshness critical, health ok". */
  #stateOf(target: string): string {
    const known = this.#deps.observer.observations().filter(({ object }) => object === target);
    return known.map(({ check, state }) => `${check} ${state}`).join(", ") || "not looked at";
  }

  /** Its story says so once; when nothing stands in the way any more, the problem brings it up again. */
  async #leave({ id, phase }: IncidentRow, why: string, { records }: Turn): Promise<undefined> {
    if (phase === "escalated") return;
    const text = `left alone: ${why}`;
    const last = (await records.entries(id)).findLast(({ kind }) => kind === "decided");
    if (last?.text !== text) await records.note(id, "decided", text);
  }

  async #escalate({ id, object, check }: IncidentRow, why: string, turn: Turn): Promise<undefined> {
    const { logger, metrics } = this.#deps;
    await turn.records.note(id, "escalated", `${why}. A person should look.`, "escalated");
    turn.afterwards(() => {
      logger.error({ incident: id, object, check, why }, "escalated");
      metrics.escalations.inc({ check });
    });
  }

  /** Waiting ends most refusals: the next result of the check brings it up again. */
  async #refused(
    incident: IncidentRow,
    { because, says }: Extract<Verdict, { may: false }>,
    turn: Turn,
  ): Promise<undefined> {
    const { records } = turn;
    const text = `wait: ${says}`;
    const last = await records.lastEntry(incident.id);
    if (because === "storm") await this.#callPeople(says, turn);
    if (last?.text === text) return;
    turn.afterwards(() => this.#deps.metrics.refusals.inc({ because }));
    if (FOR_PEOPLE.has(because)) await this.#escalate(incident, says, turn);
    else await records.note(incident.id, "decided", text, "open");
  }

  /** Once for a storm. */
  async #callPeople(says: string, turn: Turn): Promise<void> {
    const { records } = turn;
    if (await records.openIncidentOf(STORM.object, STORM.check)) return;
    const about = { ...STORM, title: `${STORM.object}: ${says}` };
    await this.#escalate(await records.openIncident(about, says), says, turn);
  }

  /** A term that begins in a storm goes on with it, until it has seen for itself. */
  async begin(journal: Pick<Reads, "openIncidentOf">): Promise<void> {
    if (await journal.openIncidentOf(STORM.object, STORM.check)) this.#deps.guard.stormWasCalled();
  }

  async endStorm({ records }: Turn): Promise<void> {
    if (this.#deps.guard.isStormy) return;
    const open = await records.openIncidentOf(STORM.object, STORM.check);
    if (open) await records.note(open.id, "closed", "it is over", "resolved");
  }

  #verify(id: number): void {
    const { clock, verifyMs } = this.#deps;
    this.#verifyUntilMs.set(id, clock.monotonicMs() + verifyMs);
  }

  /** An earlier term's patience is begun anew. */
  #isOverdue({ id, phase }: IncidentRow): boolean {
    if (phase !== "verifying") return false;
    if (!this.#verifyUntilMs.has(id)) this.#verify(id);
    return this.#deps.clock.monotonicMs() > this.#verifyUntilMs.get(id)!;
  }

  /** A problem that is not believed yet means nothing to an open incident; an action that made less than a critical one of it has helped. */
  #eventOf(observation: Observation, incident: IncidentRow): Event | undefined {
    const { state, hard } = observation;
    const { phase, check, object, actions } = incident;
    const tried = answersTo(check, this.#deps.guard.kindOf(object))[actions - 1];
    const isWell = phase === "verifying" && tried ? tried.verify : isOver;
    if (isWell(observation)) return "recovery";
    if (state === "critical" && !hard) return undefined;
    if (this.#isOverdue(incident)) return state === "warning" ? "eased" : "timeout";
    return state === "critical" ? "problem" : undefined;
  }
}

function describe({ kind, target }: Action): string {
  return `${kind} ${target}`;
}
