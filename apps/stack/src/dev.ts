/** `turbo dev`: one app with reload, on the same plan as the stack. Usage: node dev.ts APP | --prepare */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { readConfig } from "@glassline/config";

import { program } from "./config.ts";
import { ROOT_DIRECTORY, buildPage } from "./page.ts";
import { prepare } from "./secrets.ts";

process.chdir(ROOT_DIRECTORY);
const [wanted] = process.argv.slice(2);
// Every app of `turbo dev` shares the data folder of the project, wherever turbo runs it.
const result = readConfig(program, {
  arguments: [],
  environment: { ...process.env, INIT_CWD: ROOT_DIRECTORY },
});
if (!("config" in result)) throw new Error("got help, expected a configuration");
const plan = await prepare(result.config);

if (wanted === "--prepare") {
  await buildPage();
  process.stdout.write(`The dashboard will be at ${plan.url}\n`);
} else {
  for (const { app, environment, arguments: words } of plan.processes) {
    if (app !== wanted) continue;
    const main = fileURLToPath(import.meta.resolve(`@glassline/${app}/main`));
    run(process.execPath, ["--watch", "--watch-preserve-output", main, ...words], environment);
  }
  if (wanted === "dashboard")
    run("npx", ["--no-install", "vite", "build", "apps/dashboard/page", "--watch"], {});
}

function run(
  command: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): void {
  const child = spawn(command, words, {
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
}
