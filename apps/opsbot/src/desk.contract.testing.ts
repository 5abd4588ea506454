/** What every desk keeps to, whoever stands behind it. */
import type { SimulatedClock } from "@glassline/service/clock/testing";
import { describe, expect, test } from "vitest";

import type { AccessRole, Caller, Change, Desk, Plan } from "./desk.ts";

export interface DeskStage {
  /** With healthy edges "edge-1" and "edge-2". */
  desk: Desk;
  clock: SimulatedClock;
}

/** Longer than any plan holds. */
const LONG_MS = 86_400_000;

const FLUSH = { kind: "act", action: { kind: "flush", target: "edge-1" } } as const;

const caller = (role: AccessRole): Caller => ({ who: `${role} local`, role });
const [VIEWER, OPERATOR, ADMIN] = [caller("viewer"), caller("operator"), caller("admin")];

async function planned(desk: Desk, change: Change, by: Caller): Promise<Plan> {
  const plan = await desk.plan(change, by);
  if ("refused" in plan) throw new Error(`refused: ${plan.refused}`);
  return plan;
}

async function changed(desk: Desk, change: Change, by: Caller): Promise<void> {
  const { hash } = await planned(desk, change, by);
  expect(await desk.apply(hash, by)).toMatchObject({ ok: true });
}

export function deskContract(name: string, start: () => Promise<DeskStage>): void {
  describe(`${name}, as every desk,`, { timeout: 30_000 }, () => {
    const orders = async (desk: Desk) => (await desk.orders()).map(({ kind }) => kind);

    test("tells a plan, and changes nothing before it is applied", async () => {
      const { desk, clock } = await start();
      const plan = await planned(desk, FLUSH, OPERATOR);
      expect(plan.hash).toMatch(/^[0-9a-f]{64}$/);
      expect(plan.change).toEqual(FLUSH);
      expect(plan.says).toMatch(/^I will .*edge-1.*\(1 of 2/);
      expect(plan.untilMs).toBeGreaterThan(clock.nowMs());
      expect(await desk.incidents(10, false)).toEqual([]);
      const done = await desk.apply(plan.hash, OPERATOR);
      expect(done).toMatchObject({ ok: true, incidentId: expect.any(Number) });
      const [incident] = await desk.incidents(10, false);
      expect(incident).toMatchObject({ object: "edge-1", phase: "resolved" });
      const story = await desk.story(incident!.id);
      expect(story!.entries.some(({ kind }) => kind === "done")).toBe(true);
    });

    test("applies a plan once, however often it is asked", async () => {
      const { desk } = await start();
      const { hash } = await planned(desk, FLUSH, OPERATOR);
      const [first, second] = await Promise.all([
        desk.apply(hash, OPERATOR),
        desk.apply(hash, OPERATOR),
      ]);
      expect(second).toEqual(first);
      expect(await desk.apply(hash, OPERATOR)).toEqual(first);
      expect(await desk.incidents(10, false)).toHaveLength(1);
    });

    test("knows no plan that was not made, or is over", async () => {
      const { desk, clock } = await start();
      const none = { because: "no_such_plan" };
      expect(await desk.apply("f".repeat(64), ADMIN)).toMatchObject(none);
      expect(await desk.apply("", ADMIN)).toMatchObject(none);
      const { hash } = await planned(desk, { kind: "pause", forMs: undefined }, OPERATOR);
      await clock.advance(LONG_MS);
      expect(await desk.apply(hash, OPERATOR)).toMatchObject(none);
      expect(await orders(desk)).toEqual([]);
    });

    test("lets each role do what it may", async () => {
      const { desk } = await start();
      const refused = { because: "role", refused: expect.stringMatching(/operator|admin/) };
      expect(await desk.plan(FLUSH, VIEWER)).toMatchObject(refused);
      expect(await desk.plan({ kind: "continue" }, OPERATOR)).toMatchObject(refused);
      expect(await desk.plan({ kind: "approve", incident: 1 }, OPERATOR)).toMatchObject(refused);
      const { hash } = await planned(desk, FLUSH, OPERATOR);
      expect(await desk.apply(hash, VIEWER)).toMatchObject(refused);
      expect(await desk.incidents(10, false)).toEqual([]);
    });

    test("refuses what there is not", async () => {
      const { desk } = await start();
      const unknown = { because: "unknown_target" };
      for (const target of ["edge-9", "", "edge", "__proto__"]) {
        const action = { kind: "flush", target } as const;
        expect(await desk.plan({ kind: "act", action }, ADMIN)).toMatchObject(unknown);
        const maintain = { kind: "maintain", target, forMs: 60_000 } as const;
        expect(await desk.plan(maintain, ADMIN)).toMatchObject(unknown);
      }
      expect(await desk.plan({ kind: "approve", incident: 99 }, ADMIN)).toHaveProperty("refused");
      expect(await desk.story(99)).toBeUndefined();
    });

    test("keeps what people order until its end", async () => {
      const { desk, clock } = await start();
      await changed(desk, { kind: "pause", forMs: 60_000 }, OPERATOR);
      await changed(desk, { kind: "maintain", target: "edge-1", forMs: 120_000 }, OPERATOR);
      expect(await desk.orders()).toMatchObject([
        { kind: "maintenance", target: "edge-1", untilMs: clock.nowMs() + 120_000 },
        { kind: "pause", target: "", untilMs: clock.nowMs() + 60_000, who: "operator local" },
      ]);
      await clock.advance(60_000);
      expect(await orders(desk)).toEqual(["maintenance"]);
      await changed(desk, { kind: "maintain", target: "edge-1", forMs: undefined }, OPERATOR);
      expect(await orders(desk)).toEqual([]);
      await changed(desk, { kind: "pause", forMs: undefined }, OPERATOR);
      await clock.advance(LONG_MS);
      expect(await orders(desk)).toEqual(["pause"]);
      await changed(desk, { kind: "resume" }, OPERATOR);
      expect(await orders(desk)).toEqual([]);
    });

    test("stops at once, and goes on when an admin says so", async () => {
      const { desk } = await start();
      await desk.stop(OPERATOR);
      await desk.stop(ADMIN);
      expect(await orders(desk)).toEqual(["kill"]);
      await changed(desk, { kind: "continue" }, ADMIN);
      expect(await orders(desk)).toEqual([]);
    });
  });
}
