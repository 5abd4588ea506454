/** What is run by npm from the root or a workspace says how it is used, and does nothing else. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { ROOT } from "./images/apps.ts";

const COMMANDS = [
  ["apps/stack/src/flow.ts", "npm run flow --"],
  ["apps/stack/src/certificate.ts", "npm run certificate --"],
  ["tools/benchmarks.ts", "npm run bench"],
  ["packages/otqmn/bench/main.ts", "npm run bench -w @glassline/otqmn --"],
  ["apps/collector/bench/main.ts", "npm run bench -w @glassline/collector --"],
  ["apps/edge-cache/bench/main.ts", "npm run bench -w @glassline/edge-cache --"],
  ["apps/opsbot/bench/main.ts", "npm run bench -w @glassline/opsbot --"],
  ["apps/node-agent/bench/main.ts", "npm run bench -w @glassline/node-agent --"],
  ["apps/enrolment/bench/main.ts", "npm run bench -w @glassline/enrolment --"],
] as const;

async function run(file: string, word: string) {
  const child = spawn(process.execPath, [join(ROOT, file), word], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
  });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output, errors };
}

describe.each(COMMANDS)("%s", { timeout: 60_000 }, (file, command) => {
  test("--help tells its usage", async () => {
    const { code, output } = await run(file, "--help");
    expect(output).toContain(`Usage: ${command}`);
    expect(code).toBe(0);
  });

  test("refuses a flag that there is not", async () => {
    const { code, output, errors } = await run(file, "--no-such-flag");
    expect(errors).toContain("--no-such-flag");
    expect([code, output]).toEqual([64, ""]);
  });
});
