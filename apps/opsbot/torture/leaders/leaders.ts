/** Several loops with one PostgreSQL: the leader is stopped, another one takes over, and the one that wakes up must have no effect any more. */
import { setTimeout as delay } from "node:timers/promises";

import type { Progress } from "@glassline/bench/progress";

import { checkAudit } from "../../src/audit-check.ts";
import type { Journal } from "../../src/stores/journal.ts";
import { Stage } from "../loop/stage.ts";
import { STALE_COMMITS } from "../loop/store.ts";
import { Replicas } from "./replicas.ts";

/** Transactions and effects take so long at most, so that a leader is often stopped in one. */
const HOLD_UP_MS = 60;
const SLOW_MS = 60;
/** A leader is stopped so long after its beginning at most, or in the call behind that. */
const LEAD_MAX_MS = 150;
/** And wakes up so long after the takeover at most. */
const SLEEP_MAX_MS = 100;
const IN_A_CALL_SHARE = 0.7;
const PATIENCE_MS = 30_000;
const LOOK_MS = 50;
const QUIET_MS = 1_000;
const INCIDENTS_MAX = 1_000_000;
const PROBLEMS_MAX = 20;

export interface Tortured {
  stops: number;
  kills: number;
  /** From the signal until another one's term begins, ms. */
  stopTakeoverMs: number[];
  killTakeoverMs: number[];
  /** Stopped while an effect was being called. */
  inCalls: number;
  effects: number;
  incidents: number;
  /** Calls of those that had been replaced. */
  refused: number;
  /** Effects in a term that was over, of those that had not heard of the next one yet. */
  unfenced: number;
  /** Effects in a term that was over, of those that had. */
  staleEffects: number;
  staleCommits: number;
  /** For people; the first ones. */
  problems: string[];
}

export interface TortureOptions {
  replicas: number;
  stops: number;
  kills: number;
}

export async function torture(
  { replicas: count, stops, kills }: TortureOptions,
  random: () => number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  const names = Array.from({ length: count }, (_, at) => `opsbot-${at + 1}`);
  await using stage = await Stage.open({ store: "postgres", names, slowMs: SLOW_MS });
  const all: Tortured = {
    stops: 0,
    kills: 0,
    stopTakeoverMs: [],
    killTakeoverMs: [],
    inCalls: 0,
    effects: 0,
    incidents: 0,
    refused: 0,
    unfenced: 0,
    staleEffects: 0,
    staleCommits: 0,
    problems: [],
  };
  await using journal = stage.journal();
  const replicas = new Replicas(stage, names, HOLD_UP_MS);
  try {
    await replicas.start(() => journal.countOpen());
    for (let nth = 0; nth < stops + kills && !stopping.aborted; nth++) {
      // Kills are spread among stops.
      const isKill = Math.floor(((nth + 1) * kills) / (stops + kills)) > all.kills;
      await (isKill ? killOne(all, replicas, random) : stopOne(all, replicas, random));
      progress.tell(
        `${all.stops} stops, ${all.kills} kills, ${stage.peer.refused} refused, ${stage.peer.stale.length} stale effects`,
      );
    }
    await replicas.rest();
    all.unfenced = replicas.unfenced;
    await lookAtAll(all, stage, journal);
  } catch (error) {
    all.problems.push(error instanceof Error ? error.message : String(error));
  } finally {
    await replicas.end();
  }
  return all;
}

/** Somewhere in its term, often while an effect is called. */
async function someMoment(all: Tortured, replicas: Replicas, random: () => number) {
  if (random() < IN_A_CALL_SHARE) return inACall(all, replicas, random);
  const leader = await replicas.leader(PATIENCE_MS);
  await delay(random() * LEAD_MAX_MS);
  return leader;
}

async function inACall(all: Tortured, replicas: Replicas, random: () => number) {
  for (;;) {
    const leader = await replicas.leader(PATIENCE_MS);
    if (!(await leader.nextCall(PATIENCE_MS))) continue;
    await delay(random() * HOLD_UP_MS);
    if (leader.isCalling) all.inCalls++;
    return leader;
  }
}

async function stopOne(all: Tortured, replicas: Replicas, random: () => number): Promise<void> {
  const leader = await someMoment(all, replicas, random);
  const { term } = leader;
  const stoppedUnixMs = unixMs();
  leader.signal("SIGSTOP");
  try {
    const next = await replicas.takeover(term, PATIENCE_MS);
    all.stopTakeoverMs.push(next.unixMs - stoppedUnixMs);
    await delay(random() * SLEEP_MAX_MS);
  } finally {
    leader.signal("SIGCONT");
  }
  // It sees by itself that it leads no more.
  await leader.over(term, PATIENCE_MS);
  all.stops++;
}

async function killOne(all: Tortured, replicas: Replicas, random: () => number): Promise<void> {
  const leader = await someMoment(all, replicas, random);
  const { term } = leader;
  const killedUnixMs = unixMs();
  leader.signal("SIGKILL");
  const next = await replicas.takeover(term, PATIENCE_MS);
  all.killTakeoverMs.push(next.unixMs - killedUnixMs);
  await leader.restart();
  all.kills++;
}

/** When no leader is stopped any more all that was begun comes to its end; then it is looked at what there was. */
async function lookAtAll(all: Tortured, stage: Stage, journal: Journal): Promise<void> {
  await untilQuiet(journal);
  const { peer } = stage;
  all.refused = peer.refused;
  all.effects = peer.effects.length;
  all.staleEffects = peer.stale.length;
  const problem = (text: string) => {
    if (all.problems.length < PROBLEMS_MAX) all.problems.push(text);
  };
  for (const { what, fencingToken } of peer.stale)
    problem(`${what}: got the token ${fencingToken} after a higher one had come`);
  all.staleCommits = Number((await stage.ask(STALE_COMMITS))[0]?.["stale"]);
  if (all.staleCommits > 0)
    problem(`got ${all.staleCommits} transactions of a term that was over, expected none`);
  for (const text of await storyProblems(all, journal, peer.effects)) problem(text);
}

/** Each intent had one effect, and one result. */
async function storyProblems(
  all: Tortured,
  journal: Journal,
  effects: readonly { idempotencyKey: string }[],
): Promise<string[]> {
  const problems: string[] = [];
  const counts = new Map<string, number>();
  for (const { idempotencyKey } of effects)
    counts.set(idempotencyKey, (counts.get(idempotencyKey) ?? 0) + 1);
  const incidents = await journal.incidents(INCIDENTS_MAX, false);
  all.incidents = incidents.length;
  for (const { id, phase } of incidents) {
    if (phase !== "resolved") problems.push(`incident ${id}: got ${phase}, expected resolved`);
    const entries = await journal.entries(id);
    const of = (kind: string) => entries.filter((entry) => entry.kind === kind);
    for (const { idempotencyKey } of of("intent")) {
      const times = counts.get(idempotencyKey) ?? 0;
      if (times !== 1) problems.push(`${idempotencyKey}: got ${times} effects, expected 1`);
      counts.delete(idempotencyKey);
    }
    const [intents, done, failed] = [of("intent"), of("done"), of("failed")];
    if (intents.length > 1 || done.length !== intents.length || failed.length > 0)
      problems.push(
        `incident ${id}: got ${intents.length} intents, ${done.length} done and ${failed.length} failed, expected one that is done`,
      );
  }
  for (const key of counts.keys()) problems.push(`${key}: got an effect without an intent`);
  const audit = await checkAudit(journal);
  if (audit.problem !== undefined) problems.push(`audit: ${audit.problem}`);
  return problems;
}

/** For a while: what was decided before may be on its way. */
async function untilQuiet(journal: Journal): Promise<void> {
  const startMs = performance.now();
  let quietSinceMs = startMs;
  for (;;) {
    const nowMs = performance.now();
    const isQuiet = (await journal.countOpen()) === 0 && (await journal.unsettled()).length === 0;
    if (!isQuiet) quietSinceMs = nowMs;
    if (nowMs - quietSinceMs > QUIET_MS || nowMs - startMs > PATIENCE_MS) return;
    await delay(LOOK_MS);
  }
}

const unixMs = () => performance.timeOrigin + performance.now();
