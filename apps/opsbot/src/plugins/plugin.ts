/** What a check plugin is: settings, a look, a verdict. */
import type { ConfigOf, Spec } from "@glassline/config";
import { ConfigError, readConfig } from "@glassline/config";
import { helpText } from "@glassline/config/help";

import type { Verdict } from "../core/verdict.ts";
import type { Timeout } from "./options.ts";
import { common, longForm } from "./options.ts";

export const COMMAND = "npm run plugin -w @glassline/opsbot --";

export interface Context {
  /** Aborted when the time is over. */
  signal: AbortSignal;
  nowMs: () => number;
}

/** A plugin whose words were understood. */
export interface Ready {
  timeout: Timeout;
  verbose: boolean;
  run(context: Context): Promise<Verdict>;
}

export interface Plugin {
  name: string;
  help: string;
  /** Throws ConfigError. */
  prepare(words: readonly string[], environment: NodeJS.ProcessEnv): Ready;
}

interface Definition<S extends Spec> {
  name: string;
  /** What it measures, and what is which state. */
  purpose: string;
  spec: S;
  /** Words behind the check's name. */
  examples: readonly string[];
  /** What can be told only of all settings together. @returns what is wrong; undefined: nothing. */
  problem?: (config: ConfigOf<S>) => string | undefined;
  run(config: ConfigOf<S>, context: Context): Promise<Verdict>;
}

export function definePlugin<S extends Spec>(definition: Definition<S>): Plugin {
  const { name, purpose, examples, run } = definition;
  const spec = { ...definition.spec, ...common };
  const command = `${COMMAND} ${name}`;
  const program = { name, command, purpose, environmentPrefix: "GLASSLINE_CHECK", spec };
  return {
    name,
    get help() {
      const shown = examples.map((words) => `  ${command} ${words}\n`).join("");
      return `${helpText(program)}  --version                       Its version. (-V)\n\nExamples:\n${shown}`;
    },
    prepare: (words, environment) => {
      const result = readConfig(program, { arguments: longForm(words), environment });
      if (!("config" in result)) throw new Error("got --help behind other words");
      // What is in the whole is in the part: these are the settings of `definition.spec`, and those of every plugin.
      const config = result.config as ConfigOf<S> & ConfigOf<typeof common>;
      const problem = definition.problem?.(config);
      if (problem !== undefined) throw new ConfigError([problem], command);
      const { timeout, verbose } = config;
      return { timeout, verbose, run: (context) => run(config, context) };
    },
  };
}
