/** Talks with OpsBot on the command line: `npm run chat`, or `npm run chat -- status` for one question. */
import { createInterface } from "node:readline/promises";

import type { ConfigOf } from "@glassline/config";
import { ConfigError, readConfig, toggle } from "@glassline/config";
import { toRpcError } from "@glassline/proto/errors";
import type { ChatResponse } from "@glassline/proto/opsbot";
import { OperatorError, messageOf } from "@glassline/service/errors";

import { canAnswer, isMeant } from "./commands/terminal.ts";
import { operatorClient, operatorOptions } from "./operator-client.ts";

const TIMEOUT_MS = 30_000;
/** After sysexits.h; 1: OpsBot did not do it. 75: it was planned, and nobody has said yes. */
const EXIT = { refused: 1, usage: 64, unavailable: 69, unconfirmed: 75 } as const;

const program = {
  name: "chat",
  command: "npm run chat --",
  purpose:
    "Talks with OpsBot. Words are said at once, as in `npm run chat -- why edge-1`; without any, it is a conversation. " +
    "What changes something is asked back first; where no terminal is there to answer, it is told and not done (exit code 75), unless with --yes.",
  environmentPrefix: "GLASSLINE_CHAT",
  words: "[WORD...]",
  spec: {
    ...operatorOptions,
    yes: toggle({ help: "Agree to what OpsBot says that it will do." }),
  },
};

/** Prints the answer. */
type Say = (line: string) => Promise<ChatResponse>;

try {
  const result = readConfig(program);
  if ("help" in result) process.stdout.write(result.help);
  else await talk(result.config, result.words.join(" "));
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof ConfigError ? EXIT.usage : EXIT.unavailable;
}

async function talk(
  { opsbot, pkiDir, yes }: ConfigOf<typeof program.spec>,
  words: string,
): Promise<void> {
  using client = await operatorClient({ opsbot, pkiDir });
  const say: Say = async (line) => {
    try {
      const request = { text: line, mayChange: true };
      const answer = await client.chat(request, { timeoutMs: TIMEOUT_MS });
      process.stdout.write(`${answer.text}\n`);
      return answer;
    } catch (error) {
      if (toRpcError(error).code !== "unavailable") throw error;
      const message = `no OpsBot answers at ${opsbot}. Is Glassline running? Another address: --opsbot HOST:PORT`;
      throw new OperatorError(message, { cause: error });
    }
  };
  const agree = (answer: ChatResponse) => agreed(answer, say);
  if (words === "") await converse(yes ? async (line) => agree(await say(line)) : say);
  else settle(await (yes ? agree : ask)(await say(words), say));
}

/** The word by which a plan is agreed to; undefined: the answer is no plan. */
function yesOf({ suggestions }: ChatResponse): string | undefined {
  return suggestions.find((text) => /^yes [0-9a-f]{6,64}$/.test(text));
}

async function agreed(answer: ChatResponse, say: Say): Promise<ChatResponse> {
  const yes = answer.ok ? yesOf(answer) : undefined;
  return yes === undefined ? answer : say(yes);
}

/** A person who sits at the terminal is asked. */
async function ask(answer: ChatResponse, say: Say): Promise<ChatResponse> {
  if (!answer.ok || yesOf(answer) === undefined) return answer;
  if (!canAnswer()) return answer;
  if (await isMeant("Do it?")) return agreed(answer, say);
  process.stdout.write("Nothing is done.\n");
  return answer;
}

/** What stays a plan was not done. */
function settle(answer: ChatResponse): void {
  if (!answer.ok) process.exitCode = EXIT.refused;
  else if (yesOf(answer) !== undefined) process.exitCode = EXIT.unconfirmed;
}

/** A line, an answer; a prompt only where a person sits. */
async function converse(say: Say): Promise<void> {
  const isTerminal = process.stdin.isTTY;
  using terminal = createInterface({
    input: process.stdin,
    ...(isTerminal && { output: process.stdout }),
  });
  const prompt = () => void (isTerminal && terminal.prompt());
  terminal.setPrompt("> ");
  if (isTerminal) process.stdout.write('Say "help" for what OpsBot understands; Ctrl-D ends.\n');
  prompt();
  for await (const line of terminal) {
    if (line.trim() !== "") await sayOrExplain(say, line);
    prompt();
  }
}

async function sayOrExplain(say: Say, line: string): Promise<void> {
  try {
    if (!(await say(line)).ok) process.exitCode = EXIT.refused;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = EXIT.unavailable;
  }
}
