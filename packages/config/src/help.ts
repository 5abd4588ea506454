import type { Program, Spec } from "./program.ts";
import { environmentName, flagName } from "./program.ts";

const COLUMN = 34;

/** What `--help` prints. */
export function helpText(program: Program<Spec>): string {
  const lines = Object.entries(program.spec).map(([name, option]) => {
    const flag = `  ${flagName(name)}${option.placeholder ? ` ${option.placeholder}` : ""}`;
    const notes = [
      option.repeatable ? "repeatable" : "",
      option.defaultText ? `default ${option.defaultText}` : "",
    ].filter(Boolean);
    const help = `${option.help}${notes.length > 0 ? ` (${notes.join(", ")})` : ""}`;
    return flag.length < COLUMN
      ? `${flag.padEnd(COLUMN)}${help}`
      : `${flag}\n${" ".repeat(COLUMN)}${help}`;
  });
  return `${program.purpose}

Usage: ${program.command} [flags]${program.words ? ` ${program.words}` : ""}

Flags (each may come from the environment as ${program.environmentPrefix}_NAME instead):
${lines.join("\n")}
  --help                          This text.
`;
}

/** The configuration table of an app's README, in Markdown. */
export function configurationTable(program: Program<Spec>): string {
  const rows = Object.entries(program.spec).map(([name, option]) => {
    const flag = `\`${flagName(name)}${option.placeholder ? ` ${option.placeholder.replaceAll("|", "\\|")}` : ""}\``;
    const fallback = option.defaultText === undefined ? "" : `\`${option.defaultText || '""'}\``;
    return `| ${flag} | \`${environmentName(program, name)}\` | ${fallback} | ${option.help} |`;
  });
  return ["| flag | environment | default | meaning |", "| --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}
