/** `npm start`: the whole stack on embedded defaults, one process an app. */
import { join, relative } from "node:path";

import type { Context, Running } from "@glassline/service/main";
import { runMain } from "@glassline/service/main";

import type { StackConfig } from "./config.ts";
import { program } from "./config.ts";
import { edgesReady } from "./edges.ts";
import { buildPage } from "./page.ts";
import type { Plan } from "./plan.ts";
import { OFFSET } from "./ports.ts";
import { checkPlan, checkPorts, checkRecordings, holdDataFolder } from "./preflight.ts";
import { prepare } from "./secrets.ts";
import { Supervisor } from "./supervisor.ts";

/** Longer than all services together take, one after another. */
const STOP_DEADLINE_MS = 40_000;

/** With these the chat needs no flags. */
const DEFAULTS = { basePort: 7_400, data: ".glassline" } as const;

const say = (line: string) => void process.stdout.write(`${line}\n`);

await runMain(program, start, { logs: false, stopDeadlineMs: () => STOP_DEADLINE_MS });

async function start(config: StackConfig, { stopping }: Context): Promise<Running> {
  await checkRecordings(config.camera);
  const held = await holdDataFolder(config.data);
  const plan = await prepare(config);
  checkPlan(plan.processes);
  await checkPorts(plan);
  say("Starting Glassline ...");
  await buildPage();
  const supervisor = new Supervisor(plan.processes, {
    logDirectory: join(config.data, "logs"),
    restart: !config.noRestart,
    say,
  });
  stopping.addEventListener("abort", () => say("\nStopping ..."), { once: true });
  try {
    await supervisor.start();
    await edgesReady(plan, stopping);
  } catch (error) {
    await supervisor[Symbol.asyncDispose]();
    throw error;
  }
  if (!stopping.aborted) say(welcome(config, plan));
  return {
    addresses: { url: plan.url },
    [Symbol.asyncDispose]: async () => {
      await supervisor[Symbol.asyncDispose]();
      held[Symbol.dispose]();
      say("Stopped. The data is kept for the next start.");
    },
  };
}

function welcome(config: StackConfig, { url, sessionUrl }: Plan): string {
  const shown = shownPath(config.data);
  const recorded = config.camera.length === 0 ? "" : `, ${config.camera.length} of real recordings`;
  // The token belongs on the terminal of the one who started, not in a file that the output goes to.
  const isTerminal = process.stdout.isTTY === true;
  const dashboard = isTerminal
    ? sessionUrl
    : `${url}; to change something, ${url}#session=TOKEN with the token from ${join(shown, "pki", "session.token")}`;
  return `
Glassline is running.

  Dashboard   ${dashboard}
  OpsBot      ${chatCommand(config)}
  Cameras     ${config.cameras} simulated${recorded}
  OTLP        https://localhost:${config.otlpHttpPort} (HTTP), https://localhost:${config.otlpGrpcPort} (gRPC); settings in ${join(shown, "otlp.env")}
  Data, logs  ${shown}

Ctrl-C stops everything.`;
}

/** Below the present folder as one types it, elsewhere in full. */
function shownPath(path: string): string {
  const below = relative(process.cwd(), path);
  return below === "" || below.startsWith("..") ? path : below;
}

function chatCommand({ basePort, data }: StackConfig): string {
  const flags = [
    ...(basePort === DEFAULTS.basePort ? [] : [`--opsbot localhost:${basePort + OFFSET.opsbot}`]),
    ...(shownPath(data) === DEFAULTS.data ? [] : [`--pki-dir ${shownPath(join(data, "pki"))}`]),
  ];
  return `npm run chat${flags.length > 0 ? ` -- ${flags.join(" ")}` : ""}`;
}
