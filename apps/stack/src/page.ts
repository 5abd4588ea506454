/** The dashboard's page, built by turbo when its sources have changed since the last time. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { OperatorError } from "@glassline/service/errors";

export const ROOT_DIRECTORY = fileURLToPath(new URL("../../../", import.meta.url));

/** Fails with OperatorError and the builder's words. */
export async function buildPage(): Promise<void> {
  const words = [
    "turbo",
    "run",
    "build",
    "--filter=@glassline/dashboard",
    "--output-logs=errors-only",
    "--ui=stream",
  ];
  const child = spawn("npx", ["--no-install", ...words], {
    cwd: ROOT_DIRECTORY,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
    env: {
      ...process.env,
      TURBO_TELEMETRY_DISABLED: "1",
      TURBO_NO_UPDATE_NOTIFIER: "1",
      DO_NOT_TRACK: "1",
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new OperatorError(`the page could not be built:\n${output}`);
}
