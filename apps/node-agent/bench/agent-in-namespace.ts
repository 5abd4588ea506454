/** An agent of this process whose segments are in a machine's network namespace. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { create } from "@bufbuild/protobuf";
import type { Segment } from "@glassline/proto/node";
import { SegmentPhase, SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { backoff } from "@glassline/service/backoff";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";

import { Agent } from "../src/agent.ts";
import { Drivers } from "../src/drivers/drivers.ts";
import type { Machine } from "@glassline/bench/namespaces/testing";
import { driverOf } from "../src/drivers/vxlan.testing.ts";
import { openStateStore } from "../src/stores/state-store.ts";

const PATIENCE_MS = 120_000;
const LOOK_MS = 2;
/** Of what it makes. */
export const MARK = 1;

export interface BenchAgent extends AsyncDisposable {
  /** Resolves when the machine has these segments, each UP without a problem, and no others. Rejects when it takes too long. */
  become(segments: readonly Segment[]): Promise<void>;
}

export async function agentIn(machine: Machine, name: string): Promise<BenchAgent> {
  const dataDir = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  const store = openStateStore(dataDir);
  const logger = createLogger("bench", "silent");
  const mark = () => {
    if (store.segmentMark() === undefined) store.setSegmentMark(MARK);
    return MARK;
  };
  const agent = new Agent({
    machines: [name],
    // No edge is wished.
    drivers: new Drivers([], { clock: systemClock, logger }),
    files: { lacks: () => "", writeTokenKeys: async () => "", remove: () => {} },
    segmentDriver: driverOf(
      machine,
      {},
      { mark, isMarked: () => store.segmentMark() !== undefined },
    ),
    store,
    clock: systemClock,
    logger,
    newBackoff: () => backoff({ firstMs: 1_000, maxMs: 1_000, random: Math.random }),
    drainMs: 0,
  });
  await agent.start();
  return {
    async become(segments) {
      const wish = create(SetDesiredStateRequestSchema, {
        fencingToken: 1n,
        segments: segments.map((segment) => ({ ...segment, machine: name })),
      });
      agent.setDesired(wish);
      const deadlineMs = performance.now() + PATIENCE_MS;
      while (!isSo(agent, wish.segments)) {
        if (performance.now() > deadlineMs)
          throw new Error(`segments: got ${problemsOf(agent)}, expected all to be as wished`);
        await sleep(LOOK_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      await agent.close(true);
      store[Symbol.dispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function isSo(agent: Agent, wished: readonly Segment[]): boolean {
  const states = agent.segmentStates();
  const are = new Set(
    states
      .filter(({ phase, problem }) => phase === SegmentPhase.UP && problem === "")
      .map(({ segment }) => segment),
  );
  return states.length === wished.length && wished.every((segment) => are.has(segment));
}

function problemsOf(agent: Agent): string {
  const states = agent.segmentStates().filter(({ phase }) => phase !== SegmentPhase.UP);
  return `${states.length} that are not UP: ${states[0]?.problem ?? ""}`;
}
