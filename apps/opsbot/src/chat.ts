/** What OpsBot answers to people. What changes something is told first, and done when they say yes. */
import { RpcError } from "@glassline/proto/errors";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import type { Answer } from "./chat-answer.ts";
import { bad, good } from "./chat-answer.ts";
import { audit, deployments, help, incidents, show, status, why } from "./chat-reads.ts";
import type { Action } from "./core/action.ts";
import { readDescription } from "./core/deployment/read-description.ts";
import { STOP_ROLE, mayAs, roleFor } from "./core/access.ts";
import { oneLine } from "./core/echo.ts";
import { TEXT_MAX_CHARS, parseCommand } from "./core/grammar.ts";
import type { OpenPlan } from "./core/open-plans.ts";
import { OpenPlans } from "./core/open-plans.ts";
import type { AccessRole, Caller, Change, Desk, Outcome, Refusal } from "./desk.ts";

/** Of a hash that is whole: whoever shows it needs no plan that is remembered here. */
const HASH_DIGITS = 64;

export class Chat {
  readonly #desk: Desk;
  readonly #clock: Pick<Clock, "nowMs" | "nowUnixNano">;
  readonly #describe: (name: string) => Promise<string>;
  readonly #plans = new OpenPlans();

  /** @param describe gives the text of a described channel. Rejects when it cannot be read. */
  constructor(
    desk: Desk,
    clock: Pick<Clock, "nowMs" | "nowUnixNano">,
    describe: (name: string) => Promise<string>,
  ) {
    this.#desk = desk;
    this.#clock = clock;
    this.#describe = describe;
  }

  /** Throws RpcError for a text that is too long. */
  async answer(text: string, caller: Caller): Promise<Answer> {
    const desk = this.#desk;
    const objects = desk.observations().map(({ object }) => object);
    const command = parseCommand(text, desk.inventory(), [...new Set(objects)]);
    switch (command.kind) {
      case "too_long":
        throw new RpcError(
          "invalid_argument",
          `text: got ${command.chars} characters, expected at most ${TEXT_MAX_CHARS}`,
        );
      case "unclear":
        return bad(command.says, [...command.choices]);
      case "help":
        return help(command.word);
      case "status":
        return status(command.object, desk);
      case "why":
        return why(command.object, desk);
      case "show":
        return show(command.incident, desk);
      case "incidents":
        return incidents(desk);
      case "audit":
        return audit(desk);
      case "deployments":
        return deployments(command.channel, desk, this.#clock.nowUnixNano());
      case "deploy":
        return this.#deploy(command.description, text, caller);
      case "no":
        return this.#no(caller);
      case "yes":
        return this.#yes(command.hash, caller);
      case "stop":
        return this.#stop(caller);
      case "change":
        return this.#plan(command.change, text, caller);
    }
  }

  /** As its file describes it now. */
  async #deploy(name: string, text: string, caller: Caller): Promise<Answer> {
    let action: Action;
    try {
      const description = await this.#describe(name);
      action = { kind: "deploy", target: readDescription(description).channel, description };
    } catch (error) {
      return bad(`${name}: ${messageOf(error)}`, ["deployments"]);
    }
    return this.#plan({ kind: "act", action }, text, caller);
  }

  async #plan(change: Change, text: string, caller: Caller): Promise<Answer> {
    const needed = roleFor(change);
    if (!mayAs(caller.role, needed)) return mayNot(caller.role, needed);
    const plan = await this.#desk.plan(change, caller);
    if ("refused" in plan) return refusal(plan);
    const { hash, untilMs, says } = plan;
    const open: OpenPlan = { hash, untilMs, madeMs: this.#clock.nowMs(), line: oneLine(text) };
    this.#plans.add(caller.who, open);
    const yes = `yes ${this.#plans.digitsOf(caller.who, open)}`;
    const end = says.includes("\n") ? "\n" : " ";
    return good(`${says}${end}Say ${yes} to do it.`, [yes, "no"]);
  }

  async #yes(digits: string | undefined, caller: Caller): Promise<Answer> {
    const { who, role } = caller;
    if (!mayAs(role, "operator")) return mayNot(role, "operator");
    const meant = this.#plans.meant(who, digits, this.#clock.nowMs());
    if (meant.length > 1) return this.#which(who, meant);
    const hash = meant[0]?.hash ?? (digits?.length === HASH_DIGITS ? digits : undefined);
    if (hash === undefined) return noPlan(digits);
    this.#plans.forget(who, this.#clock.nowMs(), hash);
    const done = await this.#desk.apply(hash, caller);
    if ("refused" in done) return refusal(done, meant[0]?.line);
    return outcome(done);
  }

  #which(who: string, plans: readonly OpenPlan[]): Answer {
    const says = plans.map((plan) => `  yes ${this.#plans.digitsOf(who, plan)}: ${plan.line}`);
    const choices = plans.map((plan) => `yes ${this.#plans.digitsOf(who, plan)}`);
    return bad(["Yes to which?", ...says].join("\n"), [...choices, "no"]);
  }

  #no({ who }: Caller): Answer {
    const had = this.#plans.forget(who, this.#clock.nowMs());
    return good(had ? "Nothing is done." : "Nothing was planned, and nothing is done.", ["status"]);
  }

  async #stop(caller: Caller): Promise<Answer> {
    if (!mayAs(caller.role, STOP_ROLE)) return mayNot(caller.role, STOP_ROLE);
    await this.#desk.stop(caller);
    return good("The kill switch is on: nothing is begun until an admin says continue.", [
      "continue",
      "status",
    ]);
  }
}

function mayNot(role: AccessRole, needed: AccessRole): Answer {
  return bad(
    `This changes something, and this session may not: it needs the role ${needed}, and yours is ${role}. On the page, open the link that \`npm start\` prints.`,
  );
}

/** @param line that was said for the plan: it can be said again. */
function refusal({ refused }: Refusal, line?: string): Answer {
  const text = refused.endsWith(".") ? refused : `${refused}.`;
  return bad(text, line === undefined ? ["status"] : [line, "status"]);
}

function noPlan(digits: string | undefined): Answer {
  const which = digits === undefined ? "No plan" : `No plan ${digits}`;
  return bad(`${which} of yours is open: say again what you want.`, ["status"]);
}

function outcome({ ok, says, incidentId }: Outcome): Answer {
  const next = incidentId === undefined ? ["status"] : [`show incident ${incidentId}`, "status"];
  return ok ? good(says, next) : bad(says, next);
}
