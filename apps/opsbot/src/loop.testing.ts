/** The loop on a journal of a test; the edges and the node-agent that it acts on only record what they are asked. */
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

/** "edge-1" and on. */
export const edgesNamed = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `edge-${at + 1}`);

export const targetsOf = (names: readonly string[]): Targets =>
  new Map(names.map((name) => [name, { kind: "edge" as const, domain: "edges" }]));

const NAMES = edgesNamed(2);

export const TARGETS = targetsOf(NAMES);

/** @param what "flush edge-1". @param key of idempotency; empty for the node-agent. */
type Recorder = (what: string, key: string) => void | Promise<void>;

function recording(record: Recorder, names: readonly string[]): Network {
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
    edges: new Map(names.map((name) => [name, edge(name)])),
    channels: { known: () => [], refresh: async () => [{ name: "cam-0001", path: "/live" }] },
  } as unknown as Network;
}

export interface LoopDeps extends Pick<BotDeps, "observer" | "guard" | "verifyMs" | "signal"> {
  journal: Journal;
  fencingToken: bigint;
  clock: Clock;
  metrics: Metrics;
  record: Recorder;
  /** Of edges. */
  names?: readonly string[];
}

/** Not started. */
export function loopOf({ fencingToken, metrics, record, names = NAMES, ...deps }: LoopDeps): Bot {
  const { journal, clock, signal } = deps;
  const network = recording(record, names);
  const wished = JSON.stringify({ edges: names.map((name) => ({ name })) });
  const effects = {
    network,
    desired: readDesired(wished, network, journal),
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
