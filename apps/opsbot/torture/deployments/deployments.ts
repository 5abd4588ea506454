/** SIGKILL of OpsBot at each boundary of its journal while it deploys a channel, and while it takes it down: the channel is there once, and gone wholly. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Progress } from "@glassline/bench/progress";
import { EdgePhase } from "@glassline/proto/node";
import type { Deployment } from "@glassline/proto/opsbot";
import { DeploymentPhase } from "@glassline/proto/opsbot";
import { toRpcError } from "@glassline/proto/errors";

import { OpsBotProcess, until } from "../../bench/opsbot-process.ts";
import type { DeploymentNetwork } from "./network.ts";
import { DIE_AT, REACHED } from "./words.ts";

const MAIN = fileURLToPath(new URL("opsbot-main.ts", import.meta.url));
const EDGES = 2;
const PATIENCE_MS = 120_000;
/** A death that is not met in a life is tried again: what goes on side by side has no order. */
const TRIES = 2;
const DESCRIPTION = `channel: harbour
source: /live/cam-0001/index.m3u8
machines: [machine-1, machine-2]
overlay: {kind: none}
slo: {hitRate: 0%, firstByte: 60s, errors: 100%, stalls: 100000, players: 1, for: 2s}
`;

export interface Tortured {
  boundaries: number;
  died: number;
  notMet: number;
  /** From the start of the next life until the channel was as wished. */
  resumedMs: number[];
  problems: string[];
}

export interface TortureOptions {
  directory: string;
  network: DeploymentNetwork;
  /** So many boundaries at most, evenly among all; 0: all. */
  most: number;
}

type Way = "deploy" | "destroy";

export async function torture(
  { directory, network, most }: TortureOptions,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  const all: Tortured = { boundaries: 0, died: 0, notMet: 0, resumedMs: [], problems: [] };
  for (const way of ["deploy", "destroy"] as const) {
    const { reached } = await play(directory, network, way, "");
    const chosen = some(reached, most);
    all.boundaries += chosen.length;
    for (const at of chosen) {
      if (stopping.aborted) return all;
      const played = await dieAt(directory, network, way, at);
      if (played.died) all.died++;
      else all.notMet++;
      if (played.resumedMs !== undefined) all.resumedMs.push(played.resumedMs);
      for (const problem of played.problems) all.problems.push(`${way}, ${at}: ${problem}`);
      progress.tell(`${way}: ${all.died} deaths, ${all.problems.length} problems`);
    }
  }
  return all;
}

function some(all: readonly string[], most: number): readonly string[] {
  const each = most === 0 ? 1 : Math.max(1, Math.ceil(all.length / most));
  return all.filter((_, at) => at % each === 0);
}

interface Played {
  reached: string[];
  died: boolean;
  resumedMs: number | undefined;
  problems: string[];
}

async function dieAt(directory: string, network: DeploymentNetwork, way: Way, at: string) {
  let played = await play(directory, network, way, at);
  for (let tries = 1; tries < TRIES && !played.died; tries++)
    played = await play(directory, network, way, at);
  return played;
}

/** With a journal of its own. @param at where it dies on this way; empty: it does not. */
async function play(
  directory: string,
  network: DeploymentNetwork,
  way: Way,
  at: string,
): Promise<Played> {
  const file = join(directory, "reached");
  for (const name of ["opsbot", "reached"])
    await rm(join(directory, name), { recursive: true, force: true, maxRetries: 5 });
  const quiet = { [REACHED]: file, [DIE_AT]: "" };
  await using opsbot = await OpsBotProcess.start({
    directory,
    words: network.words,
    main: MAIN,
    environment: quiet,
  });
  const startsBefore = network.starts();
  const problems: string[] = [];
  if (way === "destroy") await bring(opsbot, "deploy");
  await rm(file, { force: true });
  await opsbot.kill();
  // It may die before it is ready.
  await opsbot.restart({ ...quiet, [DIE_AT]: at }).catch((error: unknown) => {
    if (opsbot.isRunning) throw error;
  });
  const asked = bring(opsbot, way).catch(() => {});
  const died = await until(
    "the end of the way",
    async () => (!opsbot.isRunning ? "died" : (await isDone(opsbot, way)) ? "done" : undefined),
    PATIENCE_MS,
  );
  const reached = [...new Set((await readFile(file, "utf8").catch(() => "")).split("\n"))];
  let resumedMs: number | undefined;
  if (died === "died") {
    const startMs = performance.now();
    await opsbot.restart(quiet);
    await bring(opsbot, way);
    resumedMs = performance.now() - startMs;
  }
  await asked;
  if (way === "deploy") {
    problems.push(...(await problemsOf(opsbot, network, startsBefore)));
    await bring(opsbot, "destroy");
  }
  const left = await network.edges();
  if (left.length > 0)
    problems.push(`edges: got ${left.map(({ spec }) => spec?.name).join(", ")}, expected none`);
  return {
    reached: reached.filter((line) => line !== ""),
    died: died === "died",
    resumedMs,
    problems,
  };
}

/** Asks for it, unless it was heard already, and waits for its end. */
async function bring(opsbot: OpsBotProcess, way: Way): Promise<void> {
  await until(
    way,
    async () => {
      if (await isDone(opsbot, way)) return true;
      const known = await deploymentOf(opsbot);
      const isUnderWay =
        way === "deploy" ? known !== undefined : known?.phase === DeploymentPhase.LEAVING;
      if (!isUnderWay) await ask(opsbot, way);
      return undefined;
    },
    PATIENCE_MS,
  );
}

async function ask({ client }: OpsBotProcess, way: Way): Promise<void> {
  const change =
    way === "deploy"
      ? ({ case: "deploy", value: { description: DESCRIPTION } } as const)
      : ({ case: "destroy", value: { channel: "harbour" } } as const);
  const { result } = await client.plan({ change: { change } });
  if (result.case === "plan") await client.apply({ hash: result.value.hash });
}

async function isDone(opsbot: OpsBotProcess, way: Way): Promise<boolean> {
  const known = await deploymentOf(opsbot);
  const { openIncidents } = await opsbot.client.getStatus({});
  if (way === "destroy") return known === undefined && openIncidents === 0;
  return known?.phase === DeploymentPhase.LIVE && openIncidents === 0;
}

async function deploymentOf({ client }: OpsBotProcess): Promise<Deployment | undefined> {
  try {
    return (await client.getDeployment({ channel: "harbour" })).deployment;
  } catch (error) {
    if (toRpcError(error).code === "not_found") return undefined;
    throw error;
  }
}

/** Of a channel that is live. */
async function problemsOf(
  opsbot: OpsBotProcess,
  network: DeploymentNetwork,
  startsBefore: number,
): Promise<string[]> {
  const problems: string[] = [];
  const edges = await network.edges();
  const ready = edges.filter(({ phase }) => phase === EdgePhase.READY).length;
  if (ready !== EDGES) problems.push(`edges that are ready: got ${ready}, expected ${EDGES}`);
  const starts = network.starts() - startsBefore;
  if (starts !== EDGES) problems.push(`starts of edges: got ${starts}, expected ${EDGES}`);
  const deployment = await deploymentOf(opsbot);
  if (deployment?.revision !== 1)
    problems.push(`revision: got ${deployment?.revision}, expected 1`);
  const asked = (await opsbot.incidents()).filter(({ check }) => check === "request");
  if (asked.length !== 1) problems.push(`incidents: got ${asked.length}, expected 1`);
  return problems;
}
