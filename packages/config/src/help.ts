import type { Program, Spec } from "./program.ts";
import { environmentName, flagName } from "./program.ts";

const COLUMN = 34;
const HELP = `${"  --help".padEnd(COLUMN)}This text.`;

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
  const usage = [program.command, lines.length > 0 ? "[flags]" : "", program.words ?? ""];
  const origin = ` (each may come from the environment as ${program.environmentPrefix}_NAME instead)`;
  return `${program.purpose}

Usage: ${usage.filter(Boolean).join(" ")}

Flags${lines.length > 0 ? origin : ""}:
${[...lines, HELP].join("\n")}
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
