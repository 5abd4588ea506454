import { expect, test } from "vitest";

import type { NamedPurge } from "./purge-log.ts";
import { PurgeLog } from "./purge-log.ts";

const tag = (name: string): NamedPurge => ({
  id: name,
  purge: { target: { tag: name }, isSoft: false },
});
const EVERYTHING: NamedPurge = { id: "", purge: { target: "everything", isSoft: false } };

test("a reader gets what is behind its position", () => {
  const log = new PurgeLog("a");
  const start = log.end;
  log.add(tag("1"), 1_000);
  const middle = log.end;
  log.add(tag("2"), 2_000);
  expect(log.after(start, 0)).toEqual([tag("1"), tag("2")]);
  expect(log.after(middle, 0)).toEqual([tag("2")]);
  expect(log.after(log.end, 0)).toEqual([]);
});

test("a reader that has no position of this incarnation gets what is younger than it", () => {
  const log = new PurgeLog("b");
  log.add(tag("1"), 1_000);
  log.add(tag("2"), 2_000);
  for (const position of [undefined, "a:1", "b:", "b:x", ""]) {
    expect(log.after(position, 1_500)).toEqual([tag("2")]);
    expect(log.after(position, 0)).toEqual([tag("1"), tag("2")]);
  }
});

test("who asks for what is not here any more is told to purge everything", () => {
  const log = new PurgeLog("c");
  const start = log.end;
  for (let at = 0; at <= 10_000; at++) log.add(tag(String(at)), at);
  expect(log.after(start, 0)).toEqual([EVERYTHING]);
  expect(log.after(undefined, 0)).toEqual([EVERYTHING]);
  expect(log.after("c:1", 0)).toHaveLength(10_000);
  expect(log.after(undefined, 9_999)).toEqual([tag("9999"), tag("10000")]);
});
