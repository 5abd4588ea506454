/** Talks with OpsBot on the command line: `npm run chat`, or `npm run chat -- status` for one question. */
import { createInterface } from "node:readline/promises";

import type { ConfigOf } from "@glassline/config";
import { ConfigError, directory, readConfig, text } from "@glassline/config";
import { toRpcError } from "@glassline/proto/errors";
import { OpsBotService } from "@glassline/proto/opsbot";
import { createClient } from "@glassline/proto/rpc";
import { OperatorError, messageOf } from "@glassline/service/errors";
import { readIdentity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";

const TIMEOUT_MS = 30_000;
/** After sysexits.h; 1: OpsBot did not do it. */
const EXIT = { refused: 1, usage: 64, unavailable: 69 } as const;

const program = {
  name: "chat",
  command: "npm run chat --",
  purpose:
    "Talks with OpsBot. Words are said at once, as in `npm run chat -- why edge-1`; without any, it is a conversation.",
  environmentPrefix: "GLASSLINE_CHAT",
  words: "[WORD...]",
  spec: {
    opsbot: text({
      help: "OpsBot's gRPC address.",
      default: "localhost:7464",
      placeholder: "HOST:PORT",
    }),
    pkiDir: directory({
      help: "Folder with ca.pem and the operator's certificate.",
      default: ".glassline/pki",
    }),
  },
};

/** @returns whether it could be done. */
type Say = (line: string) => Promise<boolean>;

try {
  const result = readConfig(program);
  if ("help" in result) process.stdout.write(result.help);
  else await talk(result.config, result.words.join(" "));
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof ConfigError ? EXIT.usage : EXIT.unavailable;
}

async function talk(
  { opsbot, pkiDir }: ConfigOf<typeof program.spec>,
  words: string,
): Promise<void> {
  const identity = await readIdentity(pkiDir, { role: "operator", instance: "local" });
  const credentials = mutualTlsClient(identity, "opsbot");
  using client = createClient(OpsBotService, opsbot, credentials, TLS_CHANNEL_OPTIONS);
  const say = async (line: string): Promise<boolean> => {
    try {
      const request = { text: line, mayChange: true };
      const { text: answer, ok } = await client.chat(request, { timeoutMs: TIMEOUT_MS });
      process.stdout.write(`${answer}\n`);
      return ok;
    } catch (error) {
      if (toRpcError(error).code !== "unavailable") throw error;
      const message = `no OpsBot answers at ${opsbot}. Is Glassline running? Another address: --opsbot HOST:PORT`;
      throw new OperatorError(message, { cause: error });
    }
  };
  if (words === "") await converse(say);
  else if (!(await say(words))) process.exitCode = EXIT.refused;
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
    if (!(await say(line))) process.exitCode = EXIT.refused;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = EXIT.unavailable;
  }
}
