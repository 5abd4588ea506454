/** From words to what a plugin prints, and its exit code. Whatever happens, it is one of the four states. */
import { ConfigError } from "@glassline/config";
import { messageOf } from "@glassline/service/errors";

import { EXIT_CODES, pluginOutput } from "../core/plugin-output.ts";
import type { Verdict } from "../core/verdict.ts";
import { CHECKS, loadPlugin } from "./catalogue.ts";
import type { Plugin, Ready } from "./plugin.ts";
import { COMMAND } from "./plugin.ts";

const VERSION = "0.1.0";

/** What is printed, and with which code the program ends. */
export interface Ended {
  text: string;
  exitCode: number;
}

export async function runPlugin(
  [check = "", ...words]: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Ended> {
  if (check === "--help" || check === "-h") return told(catalogueText());
  if (check === "--version" || check === "-V") return told(versionText());
  const plugin = await loadPlugin(check);
  if (!plugin) {
    const output = `${JSON.stringify(check)}: no such check, expected one of ${CHECKS.join(", ")}`;
    return pluginOutput("check", { state: "unknown", output });
  }
  if (words.some((word) => word === "--help" || word === "-h")) return told(plugin.help);
  if (words.some((word) => word === "--version" || word === "-V")) return told(versionText(check));
  const verdict = await verdictOf(plugin, words, environment).catch(unknown);
  return pluginOutput(check, verdict);
}

/** Help and version are UNKNOWN. Source: https://www.monitoring-plugins.org/doc/guidelines.html#AEN78 */
const told = (text: string): Ended => ({ text, exitCode: EXIT_CODES.unknown });
const versionText = (check = "plugins") => `${check} ${VERSION} (Glassline)\n`;

const catalogueText = () => `Check plugins of Glassline, for Icinga and Nagios.

Usage: ${COMMAND} CHECK [flags]
       node apps/opsbot/src/plugin-main.ts CHECK [flags]

Checks: ${CHECKS.join(", ")}. Each explains itself with CHECK --help.
`;

function unknown(error: unknown): Verdict {
  const [output = "", ...details] =
    error instanceof ConfigError ? error.message.split("\n") : [messageOf(error)];
  return { state: "unknown", output, details };
}

async function verdictOf(
  plugin: Plugin,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Verdict> {
  const ready = plugin.prepare(words, environment);
  const { state, output, measures, details = [] } = await inTime(ready);
  const isTold = ready.verbose || state !== "ok";
  return { state, output, ...(measures && { measures }), details: isTold ? details : [] };
}

/** Whatever it still waits for at the end of its time is given up. */
async function inTime({ timeout: { seconds, state }, run }: Ready): Promise<Verdict> {
  const over = new AbortController();
  const late = Promise.withResolvers<Verdict>();
  const timer = setTimeout(() => {
    over.abort();
    late.resolve({ state, output: `no result within ${seconds} s` });
  }, seconds * 1_000);
  const look = run({ signal: over.signal, nowMs: Date.now });
  try {
    return await Promise.race([look, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
