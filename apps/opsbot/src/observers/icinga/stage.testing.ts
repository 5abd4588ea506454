/** OpsBot's loop on a real journal, listening to Icinga; what it acts on only records what it is asked. */
import type { Clock } from "@glassline/service/clock";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import type { Metrics } from "@glassline/service/metrics";
import { createMetrics } from "@glassline/service/metrics";
import { vi } from "vitest";

import { GUARD_LIMITS } from "../../core/guard.ts";
import { Guard } from "../../guard.ts";
import { TARGETS, loopOf } from "../../loop.testing.ts";
import type { Journal } from "../../stores/journal.ts";
import { openFile, scratch } from "../../stores/store.testing.ts";
import type { Observation } from "../observer.ts";
import type { ClientLimits } from "./client.ts";
import { IcingaObserver } from "./icinga-observer.ts";
import { icingaMetrics } from "./metrics.ts";
import type { IcingaSettings } from "./settings.ts";

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
    targets: TARGETS,
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
  const bot = loopOf({
    guard,
    journal,
    clock,
    observer,
    metrics,
    verifyMs,
    fencingToken: led.fencingToken,
    signal: stop.signal,
    record: async (what) => {
      asked.push(what);
      await act(what);
    },
  });
  observer.onResult((observation, change) => {
    guard.saw(observation);
    return bot.hear(observation, change);
  });
  await bot.start();
  observer.start();
  const reporting = observer.report(stop.signal);
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
