/** The desk over the loop, on a real journal; edges only record what they are asked. */
import { simulatedClock } from "@glassline/service/clock/testing";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { expect, onTestFinished, test } from "vitest";

import { Bot } from "./bot.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import { deskContract } from "./desk.contract.testing.ts";
import { Guard } from "./guard.ts";
import { opsBotMetrics } from "./metrics.ts";
import { NOTHING_DEPLOYED } from "./deployment/deployer.testing.ts";
import type { Observation } from "./observers/observer.ts";
import { Operations } from "./operations.ts";
import { openFile, scratch } from "./stores/store.testing.ts";

const EDGES = ["edge-1", "edge-2"];
const ANNA = { who: "anna", role: "admin" } as const;

async function startDesk() {
  const clock = simulatedClock();
  const led = await openFile(scratch(), () => clock.nowUnixNano());
  onTestFinished(() => led[Symbol.asyncDispose]());
  const { journal } = led;
  const guard = new Guard({
    clock,
    limits: GUARD_LIMITS,
    targets: new Map(EDGES.map((edge) => [edge, { kind: "edge" as const, domain: "edges" }])),
    approvals: new Set(["flush"]),
  });
  for (const object of EDGES) guard.saw({ object, check: "health", state: "ok" } as Observation);
  const observer = { observations: () => [], look: async () => undefined };
  const bot = new Bot({
    journal,
    clock,
    guard,
    observer,
    wish: async (action) => action,
    effect: async ({ action }) => `${action.kind} was done`,
    signal: new AbortController().signal,
    logger: createLogger("opsbot", "silent"),
    metrics: opsBotMetrics(createMetrics("opsbot")),
    verifyMs: 15_000,
  });
  const desk = new Operations({
    journal,
    guard,
    clock,
    bot: () => bot,
    leader: () => "opsbot",
    observations: () => [],
    impediment: () => bot.impediment,
    inventory: () => ({
      edges: EDGES,
      channels: [],
      links: [],
      collectors: [],
      overlays: [],
      ...NOTHING_DEPLOYED,
    }),
    deployments: {
      all: async () => [],
      of: async () => undefined,
      changesOf: async () => [],
    },
    invite: undefined,
  });
  return { desk, clock, journal, guard };
}

deskContract("the desk over the loop", startDesk);

test("who agrees is written down, and agrees for a while", async () => {
  const { desk, clock, journal, guard } = await startDesk();
  const row = { object: "edge-1", check: "freshness", title: "edge-1: stale" };
  const { id } = await journal.transact((records) => records.openIncident(row, "stale"));
  const because = async (action: number) => {
    const step = { incidentId: id, action };
    const flush = { kind: "flush", target: "edge-1" } as const;
    const asked = { by: "alert", runbook: "freshness", step } as const;
    const verdict = await guard.judge(flush, asked, journal.guard);
    return verdict.may ? undefined : verdict.because;
  };
  expect(await because(0)).toBe("approval");
  const plan = await desk.plan({ kind: "approve", incident: id }, ANNA);
  const done = await desk.apply("hash" in plan ? plan.hash : "", ANNA);
  expect(done).toMatchObject({ ok: true, says: "Agreed: edge-1: stale." });
  expect((await journal.entries(id)).at(-1)!.text).toBe(
    "anna agrees to the next action for 15 min",
  );
  expect([await because(0), await because(1)]).toEqual([undefined, "approval"]);
  await clock.advance(900_000);
  expect(await because(0)).toBe("approval");
});

test("what the guard refuses is refused before it is planned, and when it is applied", async () => {
  const { desk, guard } = await startDesk();
  const flush = { kind: "act", action: { kind: "flush", target: "edge-1" } } as const;
  const plan = await desk.plan(flush, ANNA);
  guard.saw({ object: "edge-2", check: "health", state: "critical", hard: true } as Observation);
  expect(await desk.plan(flush, ANNA)).toMatchObject({ because: "last_healthy" });
  expect(await desk.apply("hash" in plan ? plan.hash : "", ANNA)).toHaveProperty("refused");
});

test("a channel that is only planned is no target; one that is deployed is", async () => {
  const { desk, guard } = await startDesk();
  const deploy = { kind: "act", action: { kind: "deploy", target: "harbour" } } as const;
  const plan = await desk.plan(deploy, ANNA);
  expect(plan).toMatchObject({ says: expect.stringContaining("deploy harbour (1 of 1)") });
  expect(guard.named("channel")).toEqual([]);
  await desk.apply("hash" in plan ? plan.hash : "", ANNA);
  expect(guard.named("channel")).toEqual(["harbour"]);
});
