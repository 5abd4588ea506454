import { createMetrics } from "@glassline/service/metrics";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { showBudgetsLeft } from "./budgets-left.ts";
import type { BudgetLeft } from "./core/budgets-left.ts";
import { scarcest } from "./core/budgets-left.ts";
import { spanSeconds } from "./core/times.ts";
import { opsBotMetrics } from "./metrics.ts";
import { Times } from "./times.ts";

const SECOND = 1_000_000_000n;
const DAY = 86_400n * SECOND;

function openTimes() {
  const metrics = createMetrics("opsbot");
  return { times: new Times(opsBotMetrics(metrics)), shown: () => metrics.registry.metrics() };
}

describe("times", () => {
  test("to detect, to act and to recover are shown by check", async () => {
    const { times, shown } = openTimes();
    const check = "health";
    times.opened({ check, sinceUnixNano: 100n * SECOND, nowUnixNano: 103n * SECOND });
    const openedUnixNano = 103n * SECOND;
    times.acted({ check, openedUnixNano, action: 0, nowUnixNano: openedUnixNano + 20_000_000n });
    times.acted({ check, openedUnixNano, action: 1, nowUnixNano: 200n * SECOND });
    times.recovered({ check, openedUnixNano, nowUnixNano: 143n * SECOND });
    const text = await shown();
    for (const line of [
      /time_to_detect_seconds_bucket\{le="2.5",.*check="health"\} 0$/m,
      /time_to_detect_seconds_bucket\{le="5",.*check="health"\} 1$/m,
      /time_to_act_seconds_sum\{.*\} 0.02$/m,
      /time_to_act_seconds_count\{.*\} 1$/m,
      /time_to_recover_seconds_sum\{.*\} 40$/m,
    ])
      expect(text).toMatch(line);
  });

  test("over which a clock was set are counted, and not shown as times", async () => {
    const { times, shown } = openTimes();
    const check = "health";
    times.recovered({ check, openedUnixNano: 100n * SECOND, nowUnixNano: 90n * SECOND });
    times.recovered({ check, openedUnixNano: 0n, nowUnixNano: 32n * DAY });
    times.opened({ check, sinceUnixNano: 101n * SECOND, nowUnixNano: 100n * SECOND });
    const text = await shown();
    expect(text).toMatch(/times_refused_total\{time="timeToRecover".*\} 2$/m);
    expect(text).not.toMatch(/time_to_recover_seconds_count/);
    expect(text).toMatch(/time_to_detect_seconds_sum\{.*\} 0$/m);
  });

  test("are never negative nor without an end", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n }),
        fc.bigInt({ min: 0n, max: 2n ** 64n }),
        (from, until) => {
          const seconds = spanSeconds(from, until);
          if (seconds !== undefined) expect(seconds >= 0 && seconds <= 31 * 86_400).toBe(true);
          else expect(until < from || until - from > 31n * DAY).toBe(true);
        },
      ),
    );
  });

  test("of more checks than are told apart are shown together", async () => {
    const { times, shown } = openTimes();
    for (let at = 0; at < 200; at++)
      times.recovered({ check: `check-${at}`, openedUnixNano: 0n, nowUnixNano: SECOND });
    const counts = [
      ...(await shown()).matchAll(/recover_seconds_count\{.*check="([^"]*)".*\} (\d+)/g),
    ];
    expect(counts).toHaveLength(65);
    expect(counts.at(-1)?.slice(1)).toEqual(["other", "136"]);
  });
});

describe("budgets left", () => {
  test("are shown when metrics are read; none while the store is away", async () => {
    const metrics = createMetrics("opsbot");
    let all: () => readonly BudgetLeft[] | Promise<readonly BudgetLeft[]> = () => [
      { scope: "target", name: "edge-1", left: 2 },
    ];
    showBudgetsLeft(metrics, () => all());
    const shown = async () =>
      (await metrics.registry.metrics()).split("\n").filter((line) => line.startsWith("glassline"));
    expect(await shown()).toEqual([
      'glassline_opsbot_budget_left{scope="target",name="edge-1",app="opsbot"} 2',
    ]);
    all = () => Promise.reject(new Error("away"));
    expect(await shown()).toEqual([]);
    all = () => {
      throw new Error("away");
    };
    expect(await shown()).toEqual([]);
    all = async () => [{ scope: "global", name: "", left: 0 }];
    expect(await shown()).toEqual([
      'glassline_opsbot_budget_left{scope="global",name="",app="opsbot"} 0',
    ]);
  });

  test("are the scarcest where there are too many", () => {
    const all = [5, 1, 3].map((left) => ({ scope: "target", name: `edge-${left}`, left }));
    expect(scarcest(all, 2).map(({ left }) => left)).toEqual([1, 3]);
    expect(scarcest(all, 3)).toBe(all);
  });
});
