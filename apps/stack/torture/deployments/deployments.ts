/** SIGKILL of OpsBot at each boundary of its journal while it deploys a channel, and while it takes it down: the channel is there once, and gone wholly. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Progress } from "@glassline/bench/progress";
import { DIE_AT, REACHED } from "@glassline/opsbot/mortal";
import { EdgePhase } from "@glassline/proto/node";
import type { OpsBotService } from "@glassline/proto/opsbot";
import { DeploymentPhase } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";

import {
  askToDeploy,
  askToDestroy,
  deploymentOf,
  isGone,
  pauseAutomation,
} from "../../src/testing/channels.ts";
import { eventually } from "../../src/testing/testbed.ts";
import type { WholeStage } from "../../src/testing/whole-stage.ts";
import { WHOLE_EDGES, startWholeStage, wholeDescription } from "../../src/testing/whole-stage.ts";

type OpsBot = Client<typeof OpsBotService>;

const MAIN = "apps/opsbot/torture/mortal/main.ts";
const CHANNEL = "harbour";
const DESCRIPTION = wholeDescription(CHANNEL, 2);
const INCIDENTS_MAX = 100;
const PATIENCE_MS = 120_000;
/** A death that is not met in a life is tried again: what goes on side by side has no order. */
const TRIES = 2;

export interface Tortured {
  boundaries: number;
  died: number;
  notMet: number;
  /** From the start of the next life until the channel was as wished. */
  resumedMs: number[];
  problems: string[];
}

/** Of what was not met nobody knows how it goes on. */
export const exitCodeOf = ({ problems, notMet }: Pick<Tortured, "problems" | "notMet">): 0 | 1 =>
  problems.length > 0 || notMet > 0 ? 1 : 0;

type Way = "deploy" | "destroy";

/** @param most boundaries of each way, evenly among all; 0: all. */
export async function torture(
  most: number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  await using whole = await startWholeStage();
  const starts = [...whole.stage.agents.values()].map((agent) =>
    agent.process.counting('"msg":"started"'),
  );
  const stage: TortureStage = {
    whole,
    opsbot: await whole.stage.client(),
    starts: () => starts.reduce((sum, count) => sum + count(), 0),
  };
  await whole.stage.opsbot.end("SIGTERM");
  const all: Tortured = {
    boundaries: 0,
    died: 0,
    notMet: 0,
    resumedMs: [],
    problems: [],
  };
  for (const way of ["deploy", "destroy"] as const) {
    const { reached } = await play(stage, way, "");
    const chosen = some(reached, most);
    all.boundaries += chosen.length;
    for (const at of chosen) {
      if (stopping.aborted) return all;
      const played = await dieAt(stage, way, at);
      if (played.died) all.died++;
      else all.notMet++;
      if (played.resumedMs !== undefined) all.resumedMs.push(played.resumedMs);
      for (const problem of played.problems) all.problems.push(`${way}, ${at}: ${problem}`);
      progress.tell(`${way}: ${all.died} deaths, ${all.problems.length} problems`);
    }
  }
  return all;
}

interface TortureStage {
  whole: WholeStage;
  opsbot: OpsBot;
  /** How often an edge was started so far. */
  starts(): number;
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

async function dieAt(stage: TortureStage, way: Way, at: string): Promise<Played> {
  let played = await play(stage, way, at);
  for (let tries = 1; tries < TRIES && !played.died; tries++) played = await play(stage, way, at);
  return played;
}

/** With a journal of its own. @param at where it dies on this way; empty: it does not. */
async function play(
  { whole, opsbot, starts }: TortureStage,
  way: Way,
  at: string,
): Promise<Played> {
  const { stage } = whole;
  const file = join(stage.directory, "reached");
  for (const name of ["opsbot", "reached"])
    await rm(join(stage.directory, name), { recursive: true, force: true, maxRetries: 5 });
  const live = (death = "") =>
    stage.startOpsBot({ main: MAIN, env: { [REACHED]: file, [DIE_AT]: death } });
  await live();
  // A busy machine makes edges look ill: what would be done about that is not what is asked for here.
  // The client may not know yet that there is another life.
  const pause = () =>
    pauseAutomation(opsbot).then(
      () => true,
      () => undefined,
    );
  await eventually("automation is paused", pause, PATIENCE_MS);
  const startsBefore = starts();
  const problems: string[] = [];
  if (way === "destroy") await bring(opsbot, "deploy");
  await rm(file, { force: true });
  await stage.opsbot.end("SIGKILL");
  // It may die before it is ready.
  await live(at).catch((error: unknown) => {
    if (!stage.opsbot.hasEnded) throw error;
  });
  const asked = bring(opsbot, way).catch(() => {});
  const end = await eventually(
    "the end of the way",
    async () => (stage.opsbot.hasEnded ? "died" : (await isDone(opsbot, way)) ? "done" : undefined),
    PATIENCE_MS,
  );
  const reached = [...new Set((await readFile(file, "utf8").catch(() => "")).split("\n"))];
  let resumedMs: number | undefined;
  if (end === "died") {
    const startMs = performance.now();
    await live();
    await bring(opsbot, way);
    resumedMs = performance.now() - startMs;
  }
  await asked;
  if (way === "deploy") {
    problems.push(...(await problemsOf(whole, opsbot, starts() - startsBefore)));
    await bring(opsbot, "destroy");
  }
  problems.push(...(await whole.left(CHANNEL)).map((what) => `got ${what}, expected nothing`));
  await stage.opsbot.end("SIGTERM");
  return {
    reached: reached.filter((line) => line !== ""),
    died: end === "died",
    resumedMs,
    problems,
  };
}

/** Asks for it, unless it was heard already, and waits for its end. */
async function bring(opsbot: OpsBot, way: Way): Promise<void> {
  await eventually(
    way,
    async () => {
      if (await isDone(opsbot, way)) return true;
      const known = await deploymentOf(opsbot, CHANNEL);
      if (way === "deploy" && !known) await askToDeploy(opsbot, DESCRIPTION);
      if (way === "destroy" && known && known.phase !== DeploymentPhase.LEAVING)
        await askToDestroy(opsbot, CHANNEL);
      return undefined;
    },
    PATIENCE_MS,
  );
}

async function isDone(opsbot: OpsBot, way: Way): Promise<boolean> {
  if (way === "destroy") return isGone(opsbot, CHANNEL);
  const known = await deploymentOf(opsbot, CHANNEL);
  return known?.phase === DeploymentPhase.LIVE && (await asked(opsbot, true)) === 0;
}

/** Incidents of requests that there are. */
async function asked(opsbot: OpsBot, openOnly: boolean): Promise<number> {
  const { incidents } = await opsbot.listIncidents({ limit: INCIDENTS_MAX, openOnly });
  return incidents.filter(({ check }) => check === "request").length;
}

/** Of a channel that is live. */
async function problemsOf(
  { edges, hosts }: WholeStage,
  opsbot: OpsBot,
  starts: number,
): Promise<string[]> {
  const states = await edges();
  const ready = states.filter(({ phase }) => phase === EdgePhase.READY).length;
  const ended = states.filter(({ unexpectedEnds }) => unexpectedEnds > 0);
  const deployment = await deploymentOf(opsbot, CHANNEL);
  const found: (readonly [what: string, got: unknown, expected: unknown])[] = [
    ["edges that are ready", ready, WHOLE_EDGES],
    ["ends of edges", ended.map(({ spec, lastEnd }) => `${spec?.name}: ${lastEnd}`).join(", "), ""],
    ["starts of edges", starts, WHOLE_EDGES],
    ["hosts in Icinga", (await hosts(CHANNEL)).length, WHOLE_EDGES],
    ["revision", deployment?.revision, 1],
    ["incidents of requests", await asked(opsbot, false), 1],
    ["deployed again", await askToDeploy(opsbot, DESCRIPTION), "nothing_to_do"],
  ];
  return found
    .filter(([, got, expected]) => got !== expected)
    .map(([what, got, expected]) => `${what}: got ${String(got)}, expected ${String(expected)}`);
}
