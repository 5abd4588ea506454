/** What OpsBot answers to people. */
import { RpcError } from "@glassline/proto/errors";

import type { Bot } from "./bot.ts";
import type { Answer } from "./chat-answer.ts";
import { good, isNoEdge, shortened } from "./chat-answer.ts";
import type { Action } from "./core/decide.ts";
import { COMMANDS, TEXT_MAX_CHARS, parseCommand } from "./core/grammar.ts";
import type { Guard } from "./guard.ts";
import { order, ordersOf } from "./orders.ts";
import type { Observation, Observer } from "./observers/observer.ts";
import type { Journal } from "./stores/journal.ts";

const USAGE_CHARS = Math.max(...COMMANDS.map(({ usage }) => usage.length));

export interface ChatDeps {
  bot: Bot;
  guard: Guard;
  observer: Observer;
  journal: Journal;
  edges: readonly string[];
}

const REFUSED: Answer = {
  text: "This changes something, and this session may not: open the link that `npm start` prints.",
  ok: false,
  suggestions: [],
};

/** @param who for the journal. Throws RpcError for a text that is too long. */
export async function answer(
  text: string,
  { mayChange, who }: { mayChange: boolean; who: string },
  deps: ChatDeps,
): Promise<Answer> {
  if (text.length > TEXT_MAX_CHARS)
    throw new RpcError(
      "invalid_argument",
      `text: got ${text.length} characters, expected at most ${TEXT_MAX_CHARS}`,
    );
  const known = [...new Set([...deps.edges, ...objectsOf(deps)])];
  const command = parseCommand(text, known);
  switch (command.kind) {
    case "help":
      return good(
        COMMANDS.map(({ usage, help }) => `${usage.padEnd(USAGE_CHARS)}  ${help}`).join("\n"),
        ["status", "why"],
      );
    case "status":
      return status(command.object, deps);
    case "why":
      return why(command.object, deps);
    case "flush":
    case "restart":
      return mayChange ? request(command, who, deps) : REFUSED;
    case "pause":
    case "resume":
    case "stop":
    case "continue":
    case "maintain":
    case "approve":
      return mayChange ? order(command, who, deps) : REFUSED;
    case "unknown": {
      const { nearest } = command;
      const hint = nearest ? ` Did you mean "${nearest}"?` : ` Say "help" for what I understand.`;
      return {
        text: `I do not understand "${shortened(command.text)}".${hint}`,
        ok: false,
        suggestions: nearest ? [nearest] : ["help"],
      };
    }
  }
}

function objectsOf({ observer }: ChatDeps): string[] {
  return observer.observations().map(({ object }) => object);
}

function isUnheardOf(object: string, deps: ChatDeps): Answer {
  const objects = [...new Set(objectsOf(deps))];
  const text = `I know nothing called "${shortened(object)}", only ${objects.join(", ")}.`;
  return { text, ok: false, suggestions: ["status"] };
}

function status(object: string | undefined, deps: ChatDeps): Answer {
  const { observer, journal } = deps;
  const all = observer
    .observations()
    .filter((each) => object === undefined || each.object === object);
  if (object !== undefined) {
    if (all.length === 0) return isUnheardOf(object, deps);
    return good(all.map(lineOf).join("\n"), [`why ${object}`]);
  }
  const problems = all.filter(({ state }) => state !== "ok");
  const open = journal.incidents(20, true);
  const lines = [
    problems.length === 0
      ? `All ${all.length} checks are OK.`
      : `${problems.length} of ${all.length} checks are not OK:`,
    ...problems.map(lineOf),
    ...ordersOf(deps.guard),
    open.length === 0 ? "No incident is open." : "Open incidents:",
    ...open.map(({ id, title, phase }) => `  ${id}  ${title} (${phase})`),
  ];
  return good(lines.join("\n"), open.length > 0 ? [`why ${open[0]!.object}`] : []);
}

function lineOf({ object, check, state, hard, output, suppressed }: Observation): string {
  const remark = suppressed !== undefined ? ` (${suppressed})` : hard ? "" : " (not yet believed)";
  return `  ${object} ${check}: ${state.toUpperCase()}${remark} - ${output}`;
}

function why(object: string | undefined, deps: ChatDeps): Answer {
  const { journal } = deps;
  const incident = journal
    .incidents(200, false)
    .find((each) => object === undefined || each.object === object);
  if (!incident && object !== undefined && !objectsOf(deps).includes(object))
    return isUnheardOf(object, deps);
  if (!incident)
    return good(
      object === undefined
        ? "There has been no incident."
        : `There has been no incident about ${object}.`,
      ["status"],
    );
  const lines = journal.entries(incident.id).map(({ timeUnixNano, kind, text }) => {
    const time = new Date(Number(timeUnixNano / 1_000_000n)).toISOString().slice(11, 19);
    return `  ${time}  ${kind.padEnd(9)}  ${text}`;
  });
  return good(
    [
      `Incident ${incident.id}: ${incident.title} (${incident.phase}), times in UTC:`,
      ...lines,
    ].join("\n"),
    ["status"],
  );
}

async function request(
  { kind, edge }: Action,
  who: string,
  { bot, journal, edges }: ChatDeps,
): Promise<Answer> {
  if (!edges.includes(edge)) return isNoEdge(edge, kind, edges);
  const asked = await bot.request({ kind, edge }, who);
  if ("refused" in asked)
    return {
      text: `${edge}: ${asked.refused}.`,
      ok: false,
      suggestions: [`why ${edge}`, "status"],
    };
  const { incident } = asked;
  const last = journal
    .entries(incident.id)
    .findLast(({ kind }) => kind === "done" || kind === "failed");
  const ok = last?.kind === "done";
  return { text: `${edge}: ${last?.text ?? "under way"}`, ok, suggestions: [`why ${edge}`] };
}
