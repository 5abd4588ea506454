import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { pluginOutput } from "./plugin-output.ts";
import { parseRange } from "./range.ts";
import type { Measure, Verdict } from "./verdict.ts";

const HOSTILE = "a\nb|c\r\u001b[31mred\u0000\u2028\u202e'='|x=1;2";

describe("what a plugin prints", () => {
  test("is a line with the state, performance data, and more lines", () => {
    const limits = { warning: parseRange("50:"), critical: parseRange("@0:20") };
    const { text, exitCode } = pluginOutput("hit-rate", {
      state: "warning",
      output: "42 % of 120 requests",
      measures: [
        { label: "hit_rate", value: 42.123_456_78, unit: "%", limits, min: 0, max: 100 },
        { label: "requests", value: 120, unit: "" },
        { label: "worst", value: Number.POSITIVE_INFINITY, unit: "ms", min: 0 },
      ],
      details: ["one", "two"],
    });
    expect(text).toBe(
      "HIT-RATE WARNING: 42 % of 120 requests | 'hit_rate'=42.123457%;50:;@20;0;100 'requests'=120 'worst'=U;;;0\none\ntwo\n",
    );
    expect(exitCode).toBe(1);
  });

  test("has one exit code a state", () => {
    const codes = (["ok", "warning", "critical", "unknown"] as const).map(
      (state) => pluginOutput("edge", { state, output: "" }).exitCode,
    );
    expect(codes).toEqual([0, 1, 2, 3]);
  });

  test("takes no line, bar or control character from names of others", () => {
    const measures: Measure[] = [{ label: HOSTILE, value: 1, unit: "" }];
    const { text } = pluginOutput("edge", {
      state: "ok",
      output: HOSTILE,
      measures,
      details: [HOSTILE],
    });
    const lines = text.split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe("EDGE OK: a b/c [31mred '='/x=1;2 | 'a b/c [31mred ___/x_1;2'=1");
    expect(lines[1]).not.toMatch(/[|\p{Cc}\p{Cf}\p{Zl}]/u);
  });

  test("is bounded whatever it is given: the first line by 4 KiB, the whole by 64 KiB", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 50 }),
      fc.constant("é|\n".repeat(3_000)),
    );
    const verdicts: fc.Arbitrary<Verdict> = fc.record({
      state: fc.constantFrom("ok", "warning", "critical", "unknown"),
      output: texts,
      measures: fc.array(
        fc.record({
          label: texts,
          value: fc.double(),
          unit: fc.constantFrom("", "%", "ms"),
          min: fc.double(),
        }),
        { maxLength: 150 },
      ),
      details: fc.array(texts, { maxLength: 150 }),
    });
    fc.assert(
      fc.property(verdicts, (verdict) => {
        const { text } = pluginOutput("edge", verdict);
        const [first, ...more] = text.split("\n");
        expect(Buffer.byteLength(first!)).toBeLessThanOrEqual(4_095);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(65_536);
        expect(first!.split("|").length).toBeLessThanOrEqual(2);
        expect(first).toMatch(/^EDGE (OK|WARNING|CRITICAL|UNKNOWN):/);
        expect(more.join("")).not.toMatch(/[|\p{Cc}]/u);
      }),
    );
  });

  test("says how much was left out", () => {
    const measures = Array.from({ length: 1_000 }, (_, at): Measure => ({
      label: `m${at}`,
      value: at,
      unit: "",
    }));
    const details = Array.from({ length: 150 }, (_, at) => `line ${at}`);
    const lines = pluginOutput("edge", { state: "ok", output: "", measures, details })
      .text.trimEnd()
      .split("\n");
    const shown = lines[0]!.match(/'m\d+'=/g)!.length;
    expect(lines.slice(-2)).toEqual([
      "50 more lines left out",
      `performance data of ${1_000 - shown} more left out`,
    ]);
  });
});
