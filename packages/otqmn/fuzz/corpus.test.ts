import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { Random } from "@glassline/bench/fleet-model";
import { describe, expect, test } from "vitest";

import { STREAM_LIMITS } from "../src/stream-codec/limits.ts";
import { CORPUS, inputsIn, nameOf } from "./corpus-file.ts";
import { fuzz } from "./fuzz.ts";
import { SMALL_LIMITS } from "./limits.ts";
import { runInput } from "./run-input.ts";
import { seedsOf } from "./seeds.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What a reader may keep of a stream: FORMAT.md, Limits. */
const KEPT_MAX_BYTES = 256 * 2 ** 20;
const SMALL_KEPT_MAX_BYTES = 2 * 2 ** 20;
const TOTAL_MAX_BYTES = 300_000;
/** What an error says goes to the peer and into the log. */
const MESSAGE_MAX_CHARACTERS = 1_000;

function memoryBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const inputs = inputsIn(CORPUS);

describe("the corpus", () => {
  test.each(inputs.map((input) => [nameOf(input), input] as const))("%s", (_name, input) => {
    const before = memoryBytes();
    const { refusedAt, error, problem, read } = runInput(input, STREAM_LIMITS);
    const keptBytes = memoryBytes() - before;
    expect(read).toBeTypeOf("function");
    expect(problem).toBeUndefined();
    expect(keptBytes).toBeLessThan(KEPT_MAX_BYTES);
    expect(error?.message.length ?? 0).toBeLessThan(MESSAGE_MAX_CHARACTERS);
    if (input.expected === "exact") expect(refusedAt).toBeUndefined();
    if (input.expected === "refused") expect(error).toBeDefined();
  });

  test("keeps little where little was agreed upon", () => {
    for (const input of inputs) {
      const before = memoryBytes();
      const { problem, read } = runInput(input, SMALL_LIMITS);
      const keptBytes = memoryBytes() - before;
      expect(read).toBeTypeOf("function");
      expect([nameOf(input), problem]).toEqual([nameOf(input), undefined]);
      expect(keptBytes).toBeLessThan(SMALL_KEPT_MAX_BYTES);
    }
  });

  test("is small", () => {
    const bytes = inputs
      .flatMap(({ batches }) => batches)
      .reduce((sum, one) => sum + one.length, 0);
    expect(inputs.length).toBeGreaterThan(100);
    expect(bytes).toBeLessThan(TOTAL_MAX_BYTES);
  });
});

describe("the fuzzer", () => {
  test("begins with streams that are read", () => {
    for (const { subject, batches } of seedsOf(new Random(1))) {
      const outcome = runInput({ subject, batches, expected: "exact", what: "" }, STREAM_LIMITS);
      expect(outcome).toMatchObject({ refusedAt: undefined, problem: undefined });
    }
  });

  test("finds nothing in a moment", () => {
    const { inputs: tried, refused, findings } = fuzz(2, 1, CORPUS);
    expect(findings.map(({ problem }) => problem)).toEqual([]);
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(tried);
  });
});
