/** Flags and environment -> typed values. All mistakes are reported at once; the only package that reads the environment. */
import { helpText } from "./help.ts";
import { nearest } from "./nearest.ts";
import type { Option } from "./option.ts";
import type { ConfigOf, Program, Spec } from "./program.ts";
import { environmentName, flagName } from "./program.ts";
import type { SettingsFile } from "./settings-file.ts";
import { FileProblems } from "./settings-file.ts";

export {
  byPrefix,
  bytes,
  directory,
  file,
  choice,
  duration,
  endpoints,
  integer,
  list,
  number,
  port,
  portRange,
  text,
  toggle,
  urls,
} from "./option.ts";
export type { Endpoint, Environment, ForPrefix, NamedUrl, Option, PortRange } from "./option.ts";
export { recordingText, recordings } from "./recordings.ts";
export type { Recording } from "./recordings.ts";
export type { ConfigOf, Program, Spec } from "./program.ts";

export interface Inputs {
  arguments: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
}

/** Everything that is wrong with a configuration, one line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[], command: string) {
    super(`${problems.join("\n")}\nSee: ${command} --help`);
    this.problems = problems;
  }
}

/**
 * The text that `--help` prints, or the typed values and bare words. A flag wins over the environment, and that over a file.
 * Throws ConfigError.
 */
export function readConfig<S extends Spec>(
  program: Program<S>,
  inputs: Inputs = { arguments: process.argv.slice(2), environment: process.env },
): { help: string } | { config: ConfigOf<S>; words: readonly string[] } {
  if (inputs.arguments.includes("--help") || inputs.arguments.includes("-h"))
    return { help: helpText(program) };
  const problems: string[] = [];
  const directory = invocationDirectory(inputs.environment);
  const { given, words } = collectFlags(program, inputs.arguments, problems);
  const values: Record<string, unknown> = {};
  let file: SettingsFile["settings"] = {};
  for (const [name, option] of inOrder(program)) {
    const variable = environmentName(program, name);
    const fromFlag = given.get(name);
    const fromEnvironment = inputs.environment[variable];
    const [source, texts] = chooseSource(
      option,
      flagName(name),
      fromFlag,
      variable,
      fromEnvironment,
      file[name],
    );
    try {
      values[name] = option.parse(texts, directory, inputs.environment);
      if (name === program.file) file = (values[name] as SettingsFile | undefined)?.settings ?? {};
    } catch (error) {
      if (error instanceof FileProblems) {
        problems.push(...error.problems);
        continue;
      }
      const got = texts.length === 0 ? "nothing" : JSON.stringify(texts.join(", "));
      problems.push(`${source}: got ${got}, ${(error as Error).message}.`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems, program.command);
  return { config: values as ConfigOf<S>, words };
}

/** The file comes first: others may be in it. */
function inOrder({ spec, file }: Program<Spec>): [name: string, option: Option<unknown>][] {
  const all = Object.entries(spec);
  return all.toSorted(([a], [b]) => Number(b === file) - Number(a === file));
}

function chooseSource(
  option: Option<unknown>,
  flag: string,
  fromFlag: readonly string[] | undefined,
  variable: string,
  fromEnvironment: string | undefined,
  fromFile: SettingsFile["settings"][string] | undefined,
): [source: string, texts: readonly string[]] {
  if (fromFlag) return [flag, fromFlag];
  if (fromEnvironment !== undefined)
    return [variable, option.repeatable ? splitOf(option, fromEnvironment) : [fromEnvironment]];
  if (fromFile) return [fromFile.where, [fromFile.text]];
  return [flag, option.defaultText === undefined ? [] : [option.defaultText]];
}

function splitOf(option: Option<unknown>, text: string): readonly string[] {
  return option.split ? option.split(text) : text.split(",");
}

function collectFlags(
  { spec, words: takesWords }: Program<Spec>,
  words: readonly string[],
  problems: string[],
): { given: Map<string, string[]>; words: string[] } {
  const given = new Map<string, string[]>();
  const bare: string[] = [];
  const names = new Map(Object.keys(spec).map((name) => [flagName(name), name]));
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    const [flag, attached] = splitAtEquals(word);
    const name = names.get(flag);
    if (name === undefined && takesWords && !word.startsWith("-")) {
      bare.push(word);
      continue;
    }
    if (name === undefined) {
      problems.push(unknownWord(word, flag, [...names.keys()]));
      const isUnknownFlag = word.startsWith("-") && attached === undefined;
      if (isUnknownFlag && words[index + 1]?.startsWith("-") === false) index++; // its value, most likely
      continue;
    }
    const value = attached ?? (spec[name]!.placeholder === undefined ? "true" : words[++index]);
    if (value === undefined)
      problems.push(`${flag}: got nothing, expected a value (${spec[name]!.placeholder}).`);
    else given.set(name, [...(given.get(name) ?? []), value]);
  }
  return { given, words: bare };
}

function splitAtEquals(word: string): [flag: string, value: string | undefined] {
  const at = word.indexOf("=");
  return word.startsWith("--") && at > 0
    ? [word.slice(0, at), word.slice(at + 1)]
    : [word, undefined];
}

function unknownWord(word: string, flag: string, known: readonly string[]): string {
  if (!word.startsWith("-"))
    return `${JSON.stringify(word)}: got a bare word, expected a flag such as ${known[0] ?? "--help"}.`;
  const suggestion = nearest(flag, known);
  return `${flag}: no such flag${suggestion ? `, did you mean ${suggestion}?` : "."}`;
}

/** The folder in which the user typed the command; npm itself runs scripts in the project's. */
function invocationDirectory(environment: Inputs["environment"]): string {
  return environment["INIT_CWD"] ?? process.cwd();
}

/** True when the standard OTEL_* variables, which OpenTelemetry's SDK reads by itself, name a target for spans. */
export function exportsSpans(environment: Inputs["environment"] = process.env): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces } =
    environment;
  return environment["OTEL_SDK_DISABLED"] !== "true" && Boolean(all || traces);
}
