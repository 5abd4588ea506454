/** Programs at a terminal, which script(1) makes. */
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Ended {
  code: number | null;
  output: string;
}

/** What somebody presses who does not agree, by name. */
export const NO_KEYS = [
  ["n", "n\r"],
  ["Enter", "\r"],
  ["Ctrl-C", "\u0003"],
  ["Ctrl-D", "\u0004"],
] as const;

/** @param words of Node. @param keys are pressed when the question is asked. */
export async function runAtTerminal(words: readonly string[], keys: string): Promise<Ended> {
  const line = [process.execPath, ...words].map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qfec", line, "/dev/null"]);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const asked = output.includes("[y/N]");
    output += chunk.toString();
    if (!asked && output.includes("[y/N]")) child.stdin.write(keys);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}
