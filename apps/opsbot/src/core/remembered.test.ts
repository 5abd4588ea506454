import { expect, test } from "vitest";

import { remembered } from "./remembered.ts";

test("gives what was made, until too many others were asked for", () => {
  const asked: string[] = [];
  const give = remembered((text) => {
    asked.push(text);
    return { text };
  }, 2);
  expect(give("a")).toBe(give("a"));
  give("b");
  give("a");
  give("c");
  give("a");
  give("b");
  expect(asked).toEqual(["a", "b", "c", "b"]);
});

test("keeps no failure", () => {
  let isBroken = true;
  const give = remembered((text) => {
    if (isBroken) throw new Error("broken");
    return { text };
  }, 2);
  expect(() => give("a")).toThrow("broken");
  isBroken = false;
  expect(give("a")).toEqual({ text: "a" });
});
