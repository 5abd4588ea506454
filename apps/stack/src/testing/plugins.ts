/** Check plugins as a monitoring system runs them, and what it reads from them. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export const PLUGIN_MAIN = fileURLToPath(import.meta.resolve("@glassline/opsbot/plugins"));

export interface CheckResult {
  exitCode: number;
  output: string;
  errors: string;
  /** For people: what is before the performance data. */
  line: string;
  performance: Readonly<Record<string, Measured>>;
  /** Below the first line. */
  more: readonly string[];
}

export interface Measured {
  value: number;
  unit: string;
  /** Warning, critical, least and greatest. */
  bounds: readonly string[];
}

export function runCheck(
  words: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<CheckResult> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [PLUGIN_MAIN, ...words],
      { env: environment },
      (error, output, errors) => {
        const exitCode = error ? error.code : 0;
        if (typeof exitCode === "number") resolve({ ...read(output), exitCode, output, errors });
        else reject(error ?? new Error("got no exit code"));
      },
    );
  });
}

function read(output: string): Pick<CheckResult, "line" | "performance" | "more"> {
  const [first = "", ...more] = output.trimEnd().split("\n");
  const [line = "", data = ""] = first.split("|");
  return { line: line.trim(), performance: readPerformanceData(data), more };
}

/** Source: https://www.monitoring-plugins.org/doc/guidelines.html#AEN201. Throws where it is not followed. */
export function readPerformanceData(text: string): Record<string, Measured> {
  const items = text.trim() === "" ? [] : [...text.trim().matchAll(/(?:'[^']*'|[^\s'])+/g)];
  const all = items.map(([item]) => {
    // Icinga shows a label without its quotes where it needs none.
    const [, quoted, bare, value, unit, rest] =
      /^(?:'([^'=]+)'|([^'=\s]+))=(-?[0-9.]+|U)(|s|ms|us|%|B|KB|MB|GB|TB|c)(?:;(.*))?$/.exec(
        item,
      ) ?? [];
    const label = quoted ?? bare;
    if (label === undefined) throw new Error(`got ${item}, expected 'label'=value[UOM];...`);
    const bounds = rest?.split(";") ?? [];
    return [label, { value: Number(value), unit: unit ?? "", bounds }] as const;
  });
  return Object.fromEntries(all);
}
