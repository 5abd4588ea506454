/** What OpsBot answers to people. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import type { ChatResponseSchema } from "@glassline/proto/opsbot";

import type { Bot } from "./bot.ts";
import { COMMANDS, TEXT_MAX_CHARS, parseCommand } from "./core/grammar.ts";
import type { Observer } from "./observers/observer.ts";
import type { Journal } from "./stores/journal.ts";

type Answer = MessageInitShape<typeof ChatResponseSchema>;

export interface ChatDeps {
  bot: Bot;
  observer: Observer;
  journal: Journal;
  edges: readonly string[];
}

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
  const command = parseCommand(text);
  switch (command.kind) {
    case "help":
      return good(COMMANDS.map(({ usage, help }) => `${usage.padEnd(12)}  ${help}`).join("\n"), [
        "status",
        "why",
      ]);
    case "status":
      return status(deps);
    case "why":
      return why(command.object, deps);
    case "flush":
      return flush(command.edge, mayChange, who, deps);
    case "unknown": {
      const { nearest } = command;
      const hint = nearest ? ` Did you mean "${nearest}"?` : ` Say "help" for what I understand.`;
      return {
        text: `I do not understand "${command.text}".${hint}`,
        ok: false,
        suggestions: nearest ? [nearest] : ["help"],
      };
    }
  }
}

function good(text: string, suggestions: string[] = []): Answer {
  return { text, ok: true, suggestions };
}

function status({ observer, journal }: ChatDeps): Answer {
  const all = observer.observations();
  const problems = all.filter(({ state }) => state !== "ok");
  const open = journal.incidents(20, true);
  const lines = [
    problems.length === 0
      ? `All ${all.length} checks are OK.`
      : `${problems.length} of ${all.length} checks are not OK:`,
    ...problems.map(
      ({ object, check, state, hard, output }) =>
        `  ${object} ${check}: ${state.toUpperCase()}${hard ? "" : " (not yet believed)"} - ${output}`,
    ),
    open.length === 0 ? "No incident is open." : "Open incidents:",
    ...open.map(({ id, title, phase }) => `  ${id}  ${title} (${phase})`),
  ];
  return good(lines.join("\n"), open.length > 0 ? [`why ${open[0]!.object}`] : []);
}

function why(object: string | undefined, { journal }: ChatDeps): Answer {
  const incident = journal
    .incidents(200, false)
    .find((each) => object === undefined || each.object === object);
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

async function flush(
  edge: string,
  mayChange: boolean,
  who: string,
  { bot, journal, edges }: ChatDeps,
): Promise<Answer> {
  if (!edges.includes(edge))
    return {
      text: `I know no edge called "${edge}", only ${edges.join(", ")}.`,
      ok: false,
      suggestions: edges.map((known) => `flush ${known}`),
    };
  if (!mayChange)
    return {
      text: "This changes something, and this session may not: open the link that `npm start` prints.",
      ok: false,
      suggestions: [],
    };
  const incident = await bot.flush(edge, who);
  if (!incident)
    return { text: `${edge} is being flushed already.`, ok: false, suggestions: [`why ${edge}`] };
  const last = journal
    .entries(incident.id)
    .findLast(({ kind }) => kind === "done" || kind === "failed");
  const ok = last?.kind === "done";
  return { text: `${edge}: ${last?.text ?? "under way"}`, ok, suggestions: [`why ${edge}`] };
}
