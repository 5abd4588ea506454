/** Programs of ours in a network namespace of their own, where they may make bridges and use any port. Needs root. */
import { spawn } from "node:child_process";
import { once } from "node:events";

const IS_OWN = "GLASSLINE_OWN_NETWORK";

/** Whether this process was started by `inOwnNetwork`. */
export const isInOwnNetwork = (): boolean => process.env[IS_OWN] === "yes";

/** Runs a main file; what it says goes where this process writes. @returns its exit code. */
export async function inOwnNetwork(main: string, words: readonly string[]): Promise<number> {
  // Ctrl-C reaches it, too, and it is waited for.
  const wait = () => {};
  process.on("SIGINT", wait);
  const child = spawn("unshare", ["--net", process.execPath, main, ...words], {
    stdio: "inherit",
    env: { ...process.env, [IS_OWN]: "yes" },
  });
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code ?? 1;
  } finally {
    process.off("SIGINT", wait);
  }
}
