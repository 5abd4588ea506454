/** What people order by chat, on a real journal. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, onTestFinished, test } from "vitest";

import { parseCommand } from "./core/grammar.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import { Guard } from "./guard.ts";
import type { OrderCommand } from "./orders.ts";
import { order, ordersOf } from "./orders.ts";
import { openJournal } from "./stores/journal.ts";

const EDGES = ["edge-1", "edge-2"];
const FLUSH = { kind: "flush", edge: "edge-1" } as const;

function startOrders() {
  const directory = mkdtempSync(join(tmpdir(), "glassline-orders-"));
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
  const say = (text: string) =>
    order(parseCommand(text, EDGES) as OrderCommand, "anna", { guard, journal, edges: EDGES });
  const refusal = (by: "alert" | "person", step?: { incidentId: number; action: number }) => {
    const verdict = guard.judge(FLUSH, { by, runbook: "freshness", ...(step && { step }) });
    return verdict.may ? undefined : verdict.because;
  };
  return { clock, journal, guard, say, refusal };
}

test("a pause holds automation back until it is over or resumed, and is shown", async () => {
  const { clock, guard, say, refusal } = startOrders();
  expect(say("pause automation 30m")).toMatchObject({
    ok: true,
    text: "Automation is paused for 30 min.",
  });
  expect(ordersOf(guard)).toEqual([
    expect.stringMatching(/^Automation is paused until .* UTC, by anna\.$/),
  ]);
  expect([refusal("alert"), refusal("person")]).toEqual(["paused", undefined]);
  await clock.advance(1_800_000);
  expect([refusal("alert"), ordersOf(guard)]).toEqual([undefined, []]);
  say("pause automation");
  await clock.advance(86_400_000);
  expect(refusal("alert")).toBe("paused");
  expect(say("resume automation").text).toBe("Automation goes on.");
  expect(say("resume automation").text).toBe("Automation was not paused.");
  expect(refusal("alert")).toBeUndefined();
});

test("the kill switch holds everything back", () => {
  const { say, refusal } = startOrders();
  say("stop everything");
  expect([refusal("alert"), refusal("person")]).toEqual(["kill_switch", "kill_switch"]);
  expect(say("continue").ok).toBe(true);
  expect([refusal("alert"), refusal("person")]).toEqual([undefined, undefined]);
});

test("an edge that is worked on is left alone; one that there is not is no edge", () => {
  const { say, refusal } = startOrders();
  expect(say("maintain edge-9 1h")).toMatchObject({
    ok: false,
    suggestions: ["maintain edge-1", "maintain edge-2"],
  });
  say("maintain edge-2 1h");
  expect(refusal("alert")).toBeUndefined();
  say("maintain edge-1 1h");
  expect(refusal("alert")).toBe("maintenance");
  say("maintain edge-1 end");
  expect(refusal("alert")).toBeUndefined();
});

test("who agrees is written down, and agrees for a while", async () => {
  const { clock, journal, say, refusal } = startOrders();
  const row = { object: "edge-1", check: "freshness", title: "edge-1: stale" };
  const { id } = journal.openIncident(row, "stale");
  const step = { incidentId: id, action: 0 };
  expect(refusal("alert", step)).toBe("approval");
  expect(say("approve 99").ok).toBe(false);
  expect(say(`approve ${id}`)).toMatchObject({ ok: true, text: "Agreed: edge-1: stale." });
  expect(journal.entries(id).at(-1)!.text).toBe("anna agrees to the next action for 15 min");
  expect(refusal("alert", step)).toBeUndefined();
  expect(refusal("alert", { ...step, action: 1 })).toBe("approval");
  await clock.advance(900_000);
  expect(refusal("alert", step)).toBe("approval");
});
