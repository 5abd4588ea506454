import { describe, expect, test } from "vitest";

import { BUSY_HELLO_MS, IDLE_HELLO_MS, Liveness } from "./liveness.ts";
import type { LivenessAction } from "./liveness.ts";

/** One node and what it does about its neighbours, in steps of 10 ms. */
class Bench {
  readonly liveness = new Liveness();
  readonly done: (LivenessAction & { atMs: number })[] = [];
  nowMs = 0;

  /** @param each what happens in each step. */
  run(lengthMs: number, each: () => void = () => {}): void {
    for (const untilMs = this.nowMs + lengthMs; this.nowMs < untilMs;) {
      this.nowMs += 10;
      each();
      const actions = this.liveness.tick(this.nowMs);
      this.done.push(...actions.map((action) => ({ ...action, atMs: this.nowMs })));
    }
  }

  up(neighbour: string, isAnother = true): void {
    this.liveness.up(neighbour, isAnother, this.nowMs);
  }

  send(neighbour: string): void {
    this.liveness.sent(neighbour, true, this.nowMs);
  }

  hear(neighbour: string): void {
    this.liveness.heard(neighbour, false, this.nowMs);
  }

  count(type: LivenessAction["type"]): number {
    return this.done.filter((action) => action.type === type).length;
  }

  diedMs(neighbour: string): number | undefined {
    return this.done.find((action) => action.type === "dead" && action.neighbour === neighbour)
      ?.atMs;
  }
}

function benchWith(...neighbours: string[]): Bench {
  const bench = new Bench();
  for (const neighbour of neighbours) bench.up(neighbour);
  return bench;
}

describe("liveness", () => {
  test("hellos are rare on an idle link, and frequent on one in use where nothing else is sent", () => {
    const bench = benchWith("idle", "busy");
    bench.run(10_000, () => {
      bench.hear("idle");
      bench.hear("busy");
      if (bench.nowMs % 1_000 === 0) bench.send("busy");
    });
    const hellos = (to: string) =>
      bench.done.filter((one) => one.type === "hello" && one.to === to);
    expect(hellos("idle").length).toBe(10_000 / IDLE_HELLO_MS);
    expect(hellos("busy").length).toBeGreaterThan(0.9 * (10_000 / BUSY_HELLO_MS - 10));
    expect(bench.count("suspect")).toBe(0);
  });

  test("among dense data only round trips are measured", () => {
    const bench = benchWith("busy");
    bench.run(10_000, () => {
      bench.hear("busy");
      bench.send("busy");
    });
    expect(bench.count("hello")).toBeLessThanOrEqual(12);
  });

  test("who is silent on a link in use is asked, doubted and given up", () => {
    const bench = benchWith("busy");
    bench.run(3_000, () => {
      bench.send("busy");
      bench.hear("busy");
    });
    bench.run(1_000, () => bench.send("busy"));
    const suspected = bench.done.find(({ type }) => type === "suspect")!;
    expect(suspected.atMs).toBe(3_000 + 240);
    expect(bench.done).toContainEqual({
      type: "hello",
      to: "busy",
      isUrgent: true,
      atMs: suspected.atMs,
    });
    expect(bench.diedMs("busy")).toBe(3_000 + 360);
  });

  test("an idle link may be silent for long; whoever begins to use it makes sure", () => {
    const bench = benchWith("idle");
    bench.run(100, () => bench.hear("idle"));
    bench.run(4_000);
    expect(bench.count("suspect")).toBe(0);
    bench.send("idle");
    bench.run(100);
    const hello = { type: "hello", to: "idle", isUrgent: true, atMs: 4_110 };
    expect(bench.done).toContainEqual(hello);
    bench.hear("idle");
    bench.run(10_000, () => bench.nowMs < 7_000 && bench.hear("idle"));
    expect(bench.diedMs("idle")).toBeGreaterThan(7_000 + 5_000);
  });

  test("an idle link that does not answer when it is used is given up soon, a far one later", () => {
    const bench = benchWith("near", "far");
    bench.liveness.measured("far", 100);
    bench.run(2_000);
    bench.send("near");
    bench.send("far");
    bench.run(1_000);
    expect([bench.diedMs("near"), bench.diedMs("far")]).toEqual([2_240, 2_440]);
  });

  test("who answers is not given up", () => {
    const bench = benchWith("busy");
    bench.run(2_000, () => {
      bench.send("busy");
      if (bench.nowMs % 300 === 0) bench.hear("busy");
    });
    expect(bench.count("suspect")).toBeGreaterThan(3);
    expect(bench.count("dead")).toBe(0);
  });

  test("who is vouched for gets twice the grace", () => {
    const bench = benchWith("busy");
    bench.send("busy");
    bench.run(300);
    bench.liveness.vouch("busy");
    bench.run(1_000);
    expect(bench.diedMs("busy")).toBe(240 + 2 * 120);
  });

  test("whom others suspect must show that it lives, unless it was heard just now", () => {
    const bench = benchWith("idle", "heard");
    bench.run(1_000);
    bench.hear("heard");
    expect(bench.liveness.challenge("heard", bench.nowMs)).toBe(true);
    expect(bench.liveness.challenge("idle", bench.nowMs)).toBe(false);
    expect(bench.liveness.challenge("stranger", bench.nowMs)).toBe(false);
    bench.run(500);
    expect(bench.done).toContainEqual({ type: "hello", to: "idle", isUrgent: true, atMs: 1_010 });
    expect(bench.diedMs("idle")).toBe(1_120);
    expect(bench.diedMs("heard")).toBeUndefined();
  });

  test("what this node did not hear while it stood still is nobody's silence", () => {
    const bench = benchWith("busy");
    bench.run(1_000, () => {
      bench.send("busy");
      bench.hear("busy");
    });
    bench.nowMs += 5_000;
    bench.run(100, () => bench.send("busy"));
    expect(bench.count("dead")).toBe(0);
    bench.run(500, () => bench.send("busy"));
    expect(bench.count("dead")).toBe(1);
  });

  test("who was taken for dead and was not, is given more time, and less again when all is calm", () => {
    const bench = benchWith("busy");
    const dieAgain = (isAnother: boolean): number => {
      bench.done.length = 0;
      bench.up("busy", isAnother);
      const fromMs = bench.nowMs;
      bench.run(5_000, () => bench.send("busy"));
      return bench.diedMs("busy")! - fromMs;
    };
    expect(dieAgain(true)).toBeLessThan(400);
    expect(dieAgain(false)).toBeGreaterThan(700);
    expect(dieAgain(false)).toBeGreaterThan(1_400);
    bench.run(200_000);
    expect(dieAgain(true)).toBeLessThan(400);
  });
});
