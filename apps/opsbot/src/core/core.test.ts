import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { CheckState, State } from "./check-state.ts";
import { PENDING, afterResult } from "./check-state.ts";
import type { Event, Phase } from "./decide.ts";
import { decide } from "./decide.ts";
import { RUNBOOKS, answersTo } from "./runbooks/catalogue.ts";

const RULES = { maxAttempts: 3, volatile: false };

/** The changes that a row of results brings. */
function changes(results: readonly State[], rules = RULES): string[] {
  let state: CheckState = PENDING;
  return results.map((result, at) => {
    const { after, change } = afterResult(state, result, rules, BigInt(at + 1));
    state = after;
    return change;
  });
}

describe("soft and hard states", () => {
  test("a problem is believed at the third time, once, and its end is told", () => {
    expect(changes(["ok", "critical", "critical", "critical", "critical", "ok", "ok"])).toEqual([
      "none",
      "soft-problem",
      "soft-problem",
      "hard-problem",
      "none",
      "recovery",
      "none",
    ]);
  });
  test("a passing fault is never believed", () => {
    expect(changes(["critical", "critical", "ok", "critical", "ok"])).not.toContain("hard-problem");
    expect(changes(["critical", "ok"])).toEqual(["soft-problem", "none"]);
  });
  test("a believed problem that becomes another is told again", () => {
    expect(changes(["critical", "critical", "critical", "warning"]).at(-1)).toBe("hard-problem");
  });
  test("one that becomes critical is believed when that has come often enough", () => {
    const warning = ["warning", "warning", "warning"] as const;
    expect(changes([...warning, "critical", "ok"]).slice(2)).toEqual([
      "hard-problem",
      "soft-problem",
      "recovery",
    ]);
    expect(changes([...warning, "critical", "critical", "critical"]).at(-1)).toBe("hard-problem");
    expect(changes(["unknown", "warning", "critical", "critical"]).at(-1)).toBe("soft-problem");
  });
  test("a fact is believed at once, and each time", () => {
    const volatile = { maxAttempts: 1, volatile: true };
    expect(changes(["critical", "critical", "ok"], volatile)).toEqual([
      "hard-problem",
      "hard-problem",
      "recovery",
    ]);
  });
  test("in any row of results a recovery follows a hard problem and nothing else", () => {
    const results = fc.array(fc.constantFrom<State>("ok", "warning", "critical", "unknown"), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(results, (row) => {
        let believed = false;
        for (const change of changes(row)) {
          if (change === "recovery") expect(believed).toBe(true);
          if (change === "hard-problem") believed = true;
          if (change === "recovery") believed = false;
        }
      }),
    );
  });
});

describe("decisions", () => {
  const event = fc.constantFrom<Event>("problem", "recovery", "done", "failed", "timeout", "eased");
  test("whatever happens, an action is begun only when none is under way, and nothing after the end", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let [phase, acting]: [Phase, boolean] = ["open", false];
        for (const each of events) {
          // Only what is under way can end.
          if ((each === "done" || each === "failed") && !acting) continue;
          const decision = decide(phase, each);
          if (each === "done" || each === "failed") acting = false;
          if (phase === "resolved") expect(decision).toBe("nothing");
          if (decision === "act") {
            expect(acting).toBe(false);
            [phase, acting] = ["acting", true];
          }
          if (decision === "verify") phase = "verifying";
          if (decision === "rest") {
            expect(phase).toBe("verifying");
            phase = "open";
          }
          if (decision === "resolve") {
            expect(acting).toBe(false);
            phase = "resolved";
          }
        }
      }),
    );
  });
  test("every runbook ends, so that people are asked at last", () => {
    for (const check of [
      "process",
      "health",
      "hit-rate",
      "freshness",
      "latency",
      "silence",
      "unheard of",
    ])
      expect(answersTo(check, "edge").length).toBeLessThanOrEqual(3);
    for (const { tries, name } of RUNBOOKS) expect(tries, name).toBeLessThanOrEqual(2);
  });
});
