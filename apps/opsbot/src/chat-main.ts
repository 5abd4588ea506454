/** Talks with OpsBot on the command line: `npm run chat`, or `npm run chat -- status` for one question. */
import { createInterface } from "node:readline/promises";

import { directory, readConfig, text } from "@glassline/config";
import { OpsBotService } from "@glassline/proto/opsbot";
import { createClient } from "@glassline/proto/rpc";
import { messageOf } from "@glassline/service/errors";
import { readIdentity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";

const TIMEOUT_MS = 30_000;
const EXIT_UNAVAILABLE = 69;

const program = {
  name: "chat",
  command: "npm run chat --",
  purpose:
    "Talks with OpsBot. Words that are no flags are said at once: npm run chat -- why edge-1",
  environmentPrefix: "GLASSLINE_CHAT",
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

const words = process.argv.slice(2);
const firstWord = words.findIndex((word) => !word.startsWith("--"));
const said = firstWord < 0 ? "" : words.slice(firstWord).join(" ");

try {
  const result = readConfig(program, {
    arguments: firstWord < 0 ? words : words.slice(0, firstWord),
    environment: process.env,
  });
  if ("help" in result) process.stdout.write(result.help);
  else await talk(result.config);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = EXIT_UNAVAILABLE;
}

async function talk({ opsbot, pkiDir }: { opsbot: string; pkiDir: string }): Promise<void> {
  const identity = await readIdentity(pkiDir, { role: "operator", instance: "local" });
  using client = createClient(
    OpsBotService,
    opsbot,
    mutualTlsClient(identity, "opsbot"),
    TLS_CHANNEL_OPTIONS,
  );
  const say = async (line: string): Promise<boolean> => {
    const { text: answer, ok } = await client.chat(
      { text: line, mayChange: true },
      { timeoutMs: TIMEOUT_MS },
    );
    process.stdout.write(`${answer}\n`);
    return ok;
  };
  if (said !== "") {
    if (!(await say(said))) process.exitCode = 1;
    return;
  }
  using terminal = createInterface({ input: process.stdin, output: process.stdout });
  process.stdout.write('Say "help" for what OpsBot understands; Ctrl-D ends.\n');
  terminal.setPrompt("> ");
  terminal.prompt();
  for await (const line of terminal) {
    if (line.trim() !== "")
      await say(line).catch((error: unknown) => process.stdout.write(`${messageOf(error)}\n`));
    terminal.prompt();
  }
}
