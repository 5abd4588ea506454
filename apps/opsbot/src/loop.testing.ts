/** The loop on a journal of a test; the two edges and the node-agent that it acts on only record what they are asked. */
import type { Clock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import type { Metrics } from "@glassline/service/metrics";

import { carryOut } from "./actions/carry-out.ts";
import { readDesired } from "./actions/desired-state.ts";
import type { BotDeps } from "./bot.ts";
import { Bot } from "./bot.ts";
import { noDeployer } from "./deployment/deployer.testing.ts";
import type { Targets } from "./guard.ts";
import { opsBotMetrics } from "./metrics.ts";
import type { Network } from "./network.ts";
import type { Journal } from "./stores/journal.ts";

const NAMES = ["edge-1", "edge-2"];
const WISHED = JSON.stringify({ edges: NAMES.map((name) => ({ name })) });

export const TARGETS: Targets = new Map(
  NAMES.map((name) => [name, { kind: "edge" as const, domain: "edges" }]),
);

/** @param what "flush edge-1". @param key of idempotency; empty for the node-agent. */
type Recorder = (what: string, key: string) => void | Promise<void>;

function recording(record: Recorder): Network {
  const edge = (name: string) => ({
    purge: async ({ idempotencyKey = "" }) => {
      await record(`flush ${name}`, idempotencyKey);
      return { objects: 7, replayed: false };
    },
    prime: async ({ idempotencyKey = "" }) => {
      await record(`prime ${name}`, idempotencyKey);
      return { objects: 3 };
    },
    setDraining: async ({ draining = false, idempotencyKey = "" }) => {
      await record(`${draining ? "re-route" : "restore"} ${name}`, idempotencyKey);
      return { viewers: 0, changed: true, replayed: false };
    },
  });
  const agent = {
    getStatus: async () => ({ machines: [""] }),
    setDesiredState: async ({ edges }: { edges: { name: string; generation: bigint }[] }) =>
      record(edges.map(({ name, generation }) => `${name}/${generation}`).join(" "), ""),
  };
  return {
    agents: new Map([["node-agent", agent]]),
    edges: new Map(NAMES.map((name) => [name, edge(name)])),
    channels: { known: () => [], refresh: async () => [{ name: "cam-0001", path: "/live" }] },
  } as unknown as Network;
}

export interface LoopDeps extends Pick<BotDeps, "observer" | "guard" | "verifyMs" | "signal"> {
  journal: Journal;
  fencingToken: bigint;
  clock: Clock;
  metrics: Metrics;
  record: Recorder;
}

/** Not started. */
export function loopOf({ fencingToken, metrics, record, ...deps }: LoopDeps): Bot {
  const { journal, clock, signal } = deps;
  const network = recording(record);
  const effects = {
    network,
    desired: readDesired(WISHED, network, journal),
    deployer: noDeployer,
    clock,
    edgeToken: "token",
    fencingToken,
    isHeld: () => journal.guard.isKilled(),
    signal,
  };
  return new Bot({
    ...deps,
    wish: effects.desired.wish,
    effect: (intent) => carryOut(intent, effects),
    logger: createLogger("opsbot", "silent"),
    metrics: opsBotMetrics(metrics),
  });
}
