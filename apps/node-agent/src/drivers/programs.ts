/** Runs programs of the machine that are asked, and end. */
import { execFile } from "node:child_process";

const OUTPUT_MAX_BYTES = 16_777_216;

/** @returns what it wrote. Rejects with what it said when it fails, is not there, or takes too long. */
export function output(
  program: string,
  words: readonly string[],
  timeoutMs = 10_000,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: OUTPUT_MAX_BYTES };
    const child = execFile(program, words, options as object, (error, stdout, stderr) => {
      if (!error) return resolve(String(stdout));
      const said = String(stderr).trim() || error.message;
      reject(new Error(`${program}: ${said}`, { cause: error }));
    });
    child.stdin?.end();
  });
}
