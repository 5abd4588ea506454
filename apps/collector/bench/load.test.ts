import { expect, test } from "vitest";

import { Refusal, partialSuccessOf, quantile, runLoad } from "./load.ts";

const BODIES = [Buffer.from("a"), Buffer.from("b")];
const TIMES = { concurrency: 2, warmupMs: 20, measureMs: 60 };

const clientThat = (send: (body: Buffer) => Promise<void>) => ({
  send,
  [Symbol.asyncDispose]: async () => {},
});
const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

test("bodies are sent in turn, and what is refused is not counted as acknowledged", async () => {
  const sent: string[] = [];
  const client = clientThat(async (body) => {
    sent.push(body.toString());
    await soon();
    if (body === BODIES[1]) throw new Refusal("full");
  });
  let edges = 0;
  const result = await runLoad(client, { bodies: BODIES, ...TIMES }, () => edges++);
  expect(sent.slice(0, 4)).toEqual(["a", "b", "a", "b"]);
  expect(edges).toBe(2);
  expect(result.acknowledged).toBe(result.latencyMs.length);
  expect(result.acknowledged).toBeGreaterThan(0);
  expect(result.acknowledged + result.refused).toBeLessThan(sent.length);
});

test("a connection that breaks ends the benchmark", async () => {
  const client = clientThat(async () => {
    throw new Error("reset");
  });
  await expect(runLoad(client, { bodies: BODIES, ...TIMES }, () => {})).rejects.toThrow("reset");
});

test("a quantile is a value that was measured", () => {
  const sorted = Float64Array.from({ length: 100 }, (_, at) => at + 1);
  expect([0, 0.5, 0.99, 1].map((share) => quantile(sorted, share))).toEqual([1, 50, 99, 100]);
});

test.each([
  ["", undefined],
  ["0a00", undefined],
  ["0a020801", "partial success 0a020801"],
])("a response of bytes %j tells %s", (hex, expected) =>
  expect(partialSuccessOf(Buffer.from(hex, "hex"))).toBe(expected),
);
