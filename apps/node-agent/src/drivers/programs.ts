/** Runs programs of the machine that are asked, and end. */
import { execFile } from "node:child_process";

const OUTPUT_MAX_BYTES = 16_777_216;

/**
 * @param environment beside that of the agent.
 * @returns what it wrote. Rejects with what it said when it fails, is not there, or takes too long.
 */
export function output(
  program: string,
  words: readonly string[],
  timeoutMs = 10_000,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: OUTPUT_MAX_BYTES };
    const options = { ...limits, env: { ...process.env, ...environment } };
    const child = execFile(program, words, options as object, (error, stdout, stderr) => {
      if (!error) return resolve(String(stdout));
      const said = String(stderr).trim() || error.message;
      reject(new Error(`${program}: ${said}`, { cause: error }));
    });
    child.stdin?.end();
  });
}
