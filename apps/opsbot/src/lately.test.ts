import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import { Lately } from "./lately.ts";

function start() {
  const clock = simulatedClock();
  const asked: { resolve: (answer: string) => void; reject: (error: Error) => void }[] = [];
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      asked.push({ resolve, reject });
    });
  return { clock, asked, lately: new Lately(ask, { forMs: 250, clock }) };
}

test("those who ask at about the same time share an answer, those who come later do not", async () => {
  const { clock, asked, lately } = start();
  const all = Promise.all([lately.now(), lately.get(), lately.get()]);
  asked[0]!.resolve("first");
  expect(await all).toEqual(["first", "first", "first"]);
  await clock.advance(249);
  expect(await lately.get()).toBe("first");
  expect(asked).toHaveLength(1);
  await clock.advance(1);
  const later = lately.get();
  asked[1]!.resolve("second");
  expect(await later).toBe("second");
});

test("what failed, and what is forgotten, is asked for again", async () => {
  const { asked, lately } = start();
  const failing = lately.get();
  asked[0]!.reject(new Error("away"));
  await expect(failing).rejects.toThrow("away");
  const old = lately.get();
  lately.forget();
  const fresh = lately.get();
  asked[1]!.resolve("before");
  asked[2]!.resolve("after");
  expect([await old, await fresh, await lately.get()]).toEqual(["before", "after", "after"]);
});
