/** Starts an app from its tree as its image's entry point would, asks for its health, and stops it. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Role } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { App } from "./apps.ts";
import { listeningPorts, variableOf } from "./apps.ts";
import { lastWords } from "./command.ts";
import { freePort } from "@glassline/bench/ports";
import { dataSettings, entryPoint, healthArguments, imageEnvironment } from "./recipe.ts";
import { changedSince } from "./tree.ts";

const START_LIMIT_MS = 20_000;
/** Less than the 10 s after which an app cuts off by itself what still holds it (and Docker ends a container). */
const STOP_LIMIT_MS = 9_000;
const POLL_MS = 20;

/** Nobody listens there: peers are away, and an app must start all the same. */
const NOBODY = "localhost:9";

/** What an app cannot start without, and what makes it open all that it has. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  camera: [`--gateway=${NOBODY}`, "--cameras=2"],
  collector: ["--otlp-token=image-check"],
  dashboard: [`--collector=collector=${NOBODY}`],
  "edge-cache": [`--origin=https://${NOBODY}`, "--origin-trust=network"],
  "mesh-node": ["--gateway", `--collector=${NOBODY}`],
};

/** Gives the time until the app was alive, in ms. Fails with what the app said last. */
export async function tryApp(
  app: App,
  tree: string,
  folder: string,
  signal: AbortSignal,
): Promise<number> {
  const environment = await prepareOutside(app, folder);
  const startedUnixMs = Date.now();
  const startMs = performance.now();
  const child = spawn(process.execPath, [entryPoint(app), ...(FLAGS[app.name] ?? [])], {
    cwd: tree,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = lastWords([child.stdout, child.stderr]);
  try {
    await untilAlive(app, child, environment, signal);
    const tookMs = performance.now() - startMs;
    await checkHealth(app, tree, environment);
    await stop(child);
    await checkUntouched(tree, folder, startedUnixMs);
    return tookMs;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${said()}`, { cause: error });
  } finally {
    child.kill("SIGKILL");
  }
}

/** What a container gets from outside: certificates, a folder for data, ports; and nothing else of this machine. */
async function prepareOutside(app: App, folder: string): Promise<Record<string, string>> {
  const pki = join(folder, "pki");
  const instance = app.program.spec["name"]?.defaultText ?? app.name;
  await ensureDevelopmentPki(pki, [{ role: app.name as Role, instance }]);
  const temporary = join(folder, "tmp");
  await mkdir(temporary);
  const environment: Record<string, string> = {
    ...imageEnvironment(app),
    PATH: process.env["PATH"] ?? "",
    HOME: temporary,
    TMPDIR: temporary,
    [variableOf(app, "host")]: "127.0.0.1",
    [variableOf(app, "pkiDir")]: pki,
  };
  for (const setting of dataSettings(app))
    environment[variableOf(app, setting)] = join(folder, "data");
  for (const setting of listeningPorts(app).keys())
    environment[variableOf(app, setting)] = String(await freePort());
  return environment;
}

async function untilAlive(
  app: App,
  child: ChildProcess,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const url = `http://127.0.0.1:${environment[variableOf(app, "adminPort")]}/livez`;
  const deadlineMs = performance.now() + START_LIMIT_MS;
  let got = "no answer";
  while (performance.now() < deadlineMs) {
    signal.throwIfAborted();
    if (hasEnded(child)) throw new Error(`${url}: got ${endOf(child)}, expected an app that runs`);
    const answer = await fetch(url, { signal }).catch(() => undefined);
    if (answer?.ok) return;
    got = answer ? `status ${answer.status}` : got;
    await sleep(POLL_MS);
  }
  throw new Error(`${url}: got ${got} for ${START_LIMIT_MS / 1_000} s, expected status 200`);
}

/** The command that is written into the image. */
async function checkHealth(
  app: App,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const child = spawn(process.execPath, healthArguments(app), { cwd, env, stdio: "ignore" });
  await once(child, "exit");
  if (child.exitCode !== 0)
    throw new Error(`health check of the image: got ${endOf(child)}, expected exit code 0`);
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit", { signal: AbortSignal.timeout(STOP_LIMIT_MS) });
  child.kill("SIGTERM");
  await ended.catch(() => {
    throw new Error(
      `SIGTERM: got a process that ran on for ${STOP_LIMIT_MS / 1_000} s, expected its end`,
    );
  });
  if (child.exitCode !== 0) throw new Error(`SIGTERM: got ${endOf(child)}, expected exit code 0`);
}

/** The image's file system is read-only, and it has no /tmp of its own to write to. */
async function checkUntouched(tree: string, folder: string, sinceUnixMs: number): Promise<void> {
  const touched = [
    ...(await changedSince(tree, sinceUnixMs)),
    ...(await readdir(join(folder, "tmp"))).map((name) => `/tmp/${name}`),
  ];
  if (touched.length > 0)
    throw new Error(`read-only files: got changes of ${touched.join(", ")}, expected none`);
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

const endOf = ({ exitCode, signalCode }: ChildProcess): string =>
  signalCode ?? `exit code ${exitCode}`;
