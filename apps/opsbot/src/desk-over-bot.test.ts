/** The desk over the loop, on a real journal; edges only record what they are asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { simulatedClock } from "@glassline/service/clock/testing";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { expect, onTestFinished, test } from "vitest";

import { Bot } from "./bot.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import { DeskOverBot } from "./desk-over-bot.ts";
import { deskContract } from "./desk.contract.testing.ts";
import { Guard } from "./guard.ts";
import { opsBotMetrics } from "./metrics.ts";
import type { Network } from "./network.ts";
import type { Observation } from "./observers/observer.ts";
import { openJournal } from "./stores/journal.ts";

const EDGES = ["edge-1", "edge-2"];
const ANNA = { who: "anna", role: "admin" } as const;

async function startDesk() {
  const directory = mkdtempSync(join(tmpdir(), "glassline-desk-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const clock = simulatedClock();
  const journal = openJournal(directory, () => clock.nowUnixNano());
  onTestFinished(() => journal[Symbol.dispose]());
  const guard = new Guard({
    records: journal.guard,
    clock,
    limits: GUARD_LIMITS,
    domains: new Map(EDGES.map((edge) => [edge, "edges"])),
    approvals: new Set(["flush"]),
  });
  for (const object of EDGES) guard.saw({ object, check: "health", state: "ok" } as Observation);
  const purge = async () => ({ objects: 7, replayed: false });
  const edges = new Map(EDGES.map((edge) => [edge, { purge }]));
  const observer = {
    onResult: () => {},
    observations: () => [],
    [Symbol.asyncDispose]: async () => {},
  };
  const bot = new Bot({
    network: { edges } as unknown as Network,
    journal,
    clock,
    guard,
    observer,
    edgeToken: "token",
    desired: undefined,
    isHeld: () => guard.isKilled,
    signal: new AbortController().signal,
    logger: createLogger("opsbot", "silent"),
    metrics: opsBotMetrics(createMetrics("opsbot")),
    verifyMs: 15_000,
  });
  const inventory = () => ({ edges: EDGES, channels: [], links: [], collectors: [], overlays: [] });
  const impediment = () => bot.impediment;
  const deps = { bot, guard, observer, journal, clock, impediment, inventory };
  return { desk: new DeskOverBot(deps), clock, journal, guard };
}

deskContract("the desk over the loop", startDesk);

test("who agrees is written down, and agrees for a while", async () => {
  const { desk, clock, journal, guard } = await startDesk();
  const row = { object: "edge-1", check: "freshness", title: "edge-1: stale" };
  const { id } = journal.openIncident(row, "stale");
  const because = (action: number) => {
    const step = { incidentId: id, action };
    const flush = { kind: "flush", edge: "edge-1" } as const;
    const verdict = guard.judge(flush, { by: "alert", runbook: "freshness", step });
    return verdict.may ? undefined : verdict.because;
  };
  expect(because(0)).toBe("approval");
  const plan = await desk.plan({ kind: "approve", incident: id }, ANNA);
  const done = await desk.apply("hash" in plan ? plan.hash : "", ANNA);
  expect(done).toMatchObject({ ok: true, says: "Agreed: edge-1: stale." });
  expect(journal.entries(id).at(-1)!.text).toBe("anna agrees to the next action for 15 min");
  expect([because(0), because(1)]).toEqual([undefined, "approval"]);
  await clock.advance(900_000);
  expect(because(0)).toBe("approval");
});

test("what the guard refuses is refused before it is planned, and when it is applied", async () => {
  const { desk, guard } = await startDesk();
  const flush = { kind: "act", action: { kind: "flush", target: "edge-1" } } as const;
  const plan = await desk.plan(flush, ANNA);
  guard.saw({ object: "edge-2", check: "health", state: "critical", hard: true } as Observation);
  expect(await desk.plan(flush, ANNA)).toMatchObject({ because: "last_healthy" });
  expect(await desk.apply("hash" in plan ? plan.hash : "", ANNA)).toHaveProperty("refused");
});
