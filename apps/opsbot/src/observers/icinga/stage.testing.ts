/** OpsBot's loop on a real journal, listening to Icinga; what it acts on only records what it is asked. */
import type { Clock } from "@glassline/service/clock";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import type { Metrics } from "@glassline/service/metrics";
import { createMetrics } from "@glassline/service/metrics";
import { vi } from "vitest";

import { carryOut } from "../../actions/carry-out.ts";
import { readDesired } from "../../actions/desired-state.ts";
import { Bot } from "../../bot.ts";
import { GUARD_LIMITS } from "../../core/guard.ts";
import { noDeployer } from "../../deployment/deployer.testing.ts";
import { Guard } from "../../guard.ts";
import { opsBotMetrics } from "../../metrics.ts";
import type { Network } from "../../network.ts";
import type { Journal } from "../../stores/journal.ts";
import { openFile, scratch } from "../../stores/store.testing.ts";
import type { Observation } from "../observer.ts";
import type { ClientLimits } from "./client.ts";
import { IcingaObserver } from "./icinga-observer.ts";
import { icingaMetrics } from "./metrics.ts";
import type { IcingaSettings } from "./settings.ts";

const EDGES = JSON.stringify({ edges: [{ name: "edge-1" }, { name: "edge-2" }] });
const PATIENCE = { timeout: 15_000, interval: 20 };

export interface Stage extends AsyncDisposable {
  journal: Journal;
  observer: IcingaObserver;
  metrics: Metrics;
  /** What edges and the node-agent were asked, in order. */
  asked: string[];
  /** What it makes of one check at present. */
  seen(object: string, check: string): Observation | undefined;
  /** The lines of an incident's story: "decided left alone: flapping". */
  story(id: number): Promise<string[]>;
}

/** What Icinga says is looked at here, and not how often something may be done. */
function unlimited(clock: Clock): Guard {
  const many = 1_000;
  return new Guard({
    clock,
    limits: {
      ...GUARD_LIMITS,
      budgets: { target: many, runbook: many, domain: many, global: many },
      disruptionWindowMs: 0,
      coolDownMs: 0,
      flapping: { problems: many, windowMs: 1 },
    },
    targets: new Map(
      ["edge-1", "edge-2"].map((name) => [name, { kind: "edge" as const, domain: "edges" }]),
    ),
    approvals: new Set(),
  });
}

/** @param act what an edge does when it is asked something. */
export async function startStage(
  settings: IcingaSettings,
  {
    directory = scratch(),
    act = async () => {},
    verifyMs = 60_000,
    intervalMs = 100,
    limits = {},
  }: {
    directory?: string;
    act?: (what: string) => Promise<void>;
    verifyMs?: number;
    intervalMs?: number;
    limits?: ClientLimits;
  } = {},
): Promise<Stage> {
  const clock = systemClock;
  const led = await openFile(directory, () => clock.nowUnixNano());
  const { journal } = led;
  const stop = new AbortController();
  const metrics = createMetrics("opsbot");
  const logger = createLogger("opsbot", "silent");
  const asked: string[] = [];
  const observer = new IcingaObserver({
    settings,
    intervalMs,
    reports: journal.reports("icinga"),
    clock,
    random: Math.random,
    logger,
    metrics: icingaMetrics(metrics),
    limits,
  });
  const guard = unlimited(clock);
  const network = recording(async (what) => {
    asked.push(what);
    await act(what);
  });
  const { signal } = stop;
  const effects = {
    network,
    desired: readDesired(EDGES, network, journal),
    deployer: noDeployer,
    clock,
    edgeToken: "token",
    fencingToken: led.fencingToken,
    isHeld: () => journal.guard.isKilled(),
    signal,
  };
  const bot = new Bot({
    guard,
    journal,
    clock,
    wish: effects.desired.wish,
    effect: (intent) => carryOut(intent, effects),
    signal,
    observer,
    logger,
    metrics: opsBotMetrics(metrics),
    verifyMs,
  });
  observer.onResult((observation, change) => {
    guard.saw(observation);
    return bot.hear(observation, change);
  });
  await bot.start();
  observer.start();
  const reporting = observer.report(signal);
  return {
    journal,
    observer,
    metrics,
    asked,
    seen: (object, check) =>
      observer.observations().find((each) => each.object === object && each.check === check),
    story: async (id) => (await journal.entries(id)).map(({ kind, text }) => `${kind} ${text}`),
    async [Symbol.asyncDispose]() {
      if (stop.signal.aborted) return;
      stop.abort();
      await observer[Symbol.asyncDispose]();
      await reporting;
      await led[Symbol.asyncDispose]();
    },
  };
}

/** Until what is expected holds. */
export async function eventually(expected: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(expected, PATIENCE);
}

/** So many more looks that saw how things are. */
export async function moreLooks({ metrics }: Stage, count = 3): Promise<void> {
  const looks = async () => {
    const { values } = await metrics.registry
      .getSingleMetric("glassline_opsbot_icinga_looks_total")!
      .get();
    return values.reduce(
      (sum, { value, labels }) => sum + (labels["result"] === "failed" ? 0 : value),
      0,
    );
  };
  const before = await looks();
  await vi.waitUntil(async () => (await looks()) >= before + count, PATIENCE);
}

function recording(record: (what: string) => Promise<void>): Network {
  const edge = (name: string) => ({
    purge: async () => {
      await record(`flush ${name}`);
      return { objects: 7, replayed: false };
    },
    prime: async () => {
      await record(`prime ${name}`);
      return { objects: 3 };
    },
  });
  return {
    agents: new Map([
      [
        "node-agent",
        {
          getStatus: async () => ({ machines: [""] }),
          setDesiredState: ({ edges }: { edges: { name: string; generation: bigint }[] }) =>
            record(edges.map(({ name, generation }) => `${name}/${generation}`).join(" ")),
        },
      ],
    ]),
    edges: new Map(["edge-1", "edge-2"].map((name) => [name, edge(name)])),
    channels: { known: () => [], refresh: async () => [{ name: "cam-0001", path: "/live" }] },
  } as unknown as Network;
}
