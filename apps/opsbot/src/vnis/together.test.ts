import { setImmediate } from "node:timers/promises";

import { expect, test } from "vitest";

import { Together } from "./together.ts";

/** Gives the length of a text, and refuses "no". */
function stage(most: number) {
  const batches: string[][] = [];
  const held: PromiseWithResolvers<void>[] = [];
  const together = new Together<string, number>({
    answerAll: async (asked) => {
      batches.push([...asked]);
      const hold = Promise.withResolvers<void>();
      held.push(hold);
      await hold.promise;
      if (asked.includes("no")) throw new Error("refused");
      return asked.map((text) => text.length);
    },
    keyOf: (text) => text[0]!,
    most,
    atOnce: 1,
  });
  const goOn = async () => {
    while (held.length > 0) {
      held.shift()!.resolve();
      await setImmediate();
    }
  };
  return { together, batches, goOn };
}

test("those who ask meanwhile are answered together, at most so many, and one of each key at a time", async () => {
  const { together, batches, goOn } = stage(3);
  const answers = ["a", "bb", "ccc", "b", "dddd", "eeeee"].map((text) => together.ask(text));
  await goOn();
  expect(await Promise.all(answers)).toEqual([1, 2, 3, 1, 4, 5]);
  expect(batches).toEqual([["a"], ["bb", "ccc", "dddd"], ["b", "eeeee"]]);
});

test("one that is refused hinders nobody", async () => {
  const { together, goOn } = stage(10);
  const answers = ["a", "bb", "no", "dddd"].map((text) =>
    together.ask(text).catch((error: unknown) => String(error)),
  );
  await goOn();
  expect(await Promise.all(answers)).toEqual([1, 2, "Error: refused", 4]);
});
