/** Mesh after mesh in virtual time, until there were so many events. */
import type { Progress } from "@glassline/bench/progress";
import type { Random } from "@glassline/service/random";

import { churn } from "../simulator/churn.ts";
import { LAWLESS, ORDERLY, VirtualMesh } from "../simulator/virtual-mesh.ts";

const PROBLEMS_MAX = 20;
/** One in so many meshes is a large one. */
const LARGE_EVERY = 20;
const SMALL_MAX = 50;
/** Things that happen to a mesh, for each of its nodes, and at least. */
const CHURN_A_NODE = 20;
const CHURN_LEAST = 400;
/** After the last thing has happened, all ways are found within that. */
const SETTLE_MS = 120_000;
const TURNS_A_BREATH = 50;

export interface Tortured {
  events: number;
  messages: number;
  meshes: number;
  largest: number;
  loops: number;
  /** Pairs of nodes that links join, between which no way was found when all was quiet. */
  unreached: number;
  /** For people; the first ones. */
  problems: string[];
}

/** @param stopping aborted: the mesh that is being looked at is the last one. */
export async function torture(
  { events, nodes }: { events: number; nodes: number },
  random: Random,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  const all: Tortured = {
    events: 0,
    messages: 0,
    meshes: 0,
    largest: 0,
    loops: 0,
    unreached: 0,
    problems: [],
  };
  while (all.events < events && !stopping.aborted) {
    const isLarge = all.meshes % LARGE_EVERY === LARGE_EVERY - 1;
    const most = isLarge ? nodes : Math.min(nodes, SMALL_MAX);
    const size = 3 + Math.floor(random() * (most - 2));
    await playOne(all, size, events, random, stopping);
    const { meshes, loops, unreached } = all;
    progress.tell(
      `${all.events} of ${events} events, ${meshes} meshes, ${loops} loops, ${unreached} ways not found`,
    );
  }
  return all;
}

async function playOne(
  all: Tortured,
  size: number,
  events: number,
  random: Random,
  stopping: AbortSignal,
): Promise<void> {
  const isOrderly = all.meshes % 2 === 0;
  const mesh = new VirtualMesh(random, isOrderly ? ORDERLY : LAWLESS);
  for (let at = 1; at <= size; at++) mesh.add(`n${at}`);
  const turns = Math.max(CHURN_LEAST, size * CHURN_A_NODE);
  for (let turn = 0; turn < turns && all.events + mesh.routingEvents < events; turn++) {
    churn(mesh, random);
    if (turn % TURNS_A_BREATH !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    if (stopping.aborted) break;
  }
  if (isOrderly) all.unreached += unreachedOf(mesh, all.problems);
  all.events += mesh.routingEvents;
  all.messages += mesh.messages;
  all.meshes++;
  all.largest = Math.max(all.largest, size);
  all.loops += mesh.loops.length;
  all.problems = [...all.problems, ...mesh.loops.map((loop) => `loop: ${loop}`)].slice(
    0,
    PROBLEMS_MAX,
  );
}

/** When all is quiet. */
function unreachedOf(mesh: VirtualMesh, problems: string[]): number {
  mesh.run(mesh.nowMs + SETTLE_MS);
  let unreached = 0;
  for (const from of mesh.names) {
    for (const to of mesh.reachable(from)) {
      const path = mesh.path(from, to);
      if (path.at(-1) === to) continue;
      unreached++;
      problems.push(`no way from ${from} to ${to}: ${path.join(" -> ")}`);
    }
  }
  return unreached;
}
