import { expect, test } from "vitest";

import type { SeenIncident } from "./verdict.ts";
import { ShownProblems, handledTwice, lasting, notHandled } from "./verdict.ts";

const incident = (id: number, more: Partial<SeenIncident> = {}): SeenIncident => ({
  id,
  service: "a",
  openedMs: 1_000,
  closedMs: Number.POSITIVE_INFINITY,
  noticedMs: 1_100,
  ...more,
});

test("a problem lasts while looks show the same one", () => {
  const shown = new ShownProblems();
  shown.see(new Map([["a", 1n]]), 0, 10);
  shown.see(new Map([["a", 1n]]), 5_000, 5_010);
  shown.see(new Map([["a", 2n]]), 6_000, 6_010);
  shown.see(new Map(), 7_000, 7_010);
  shown.see(new Map([["a", 2n]]), 8_000, 8_010);
  expect(shown.all.map(({ firstMs, lastMs }) => [firstMs, lastMs])).toEqual([
    [10, 5_000],
    [6_010, 6_000],
    [8_010, 8_000],
  ]);
  expect(lasting(shown.all, 4_000)).toHaveLength(1);
});

test("a lasting problem without an incident is found, a short one and a handled one are not", () => {
  const shown = [{ service: "a", firstMs: 1_000, lastMs: 9_000 }];
  expect(notHandled(shown, [], 5_000)).toEqual(shown);
  expect(notHandled(shown, [], 10_000)).toEqual([]);
  expect(notHandled(shown, [], 5_000, [{ fromMs: 0, toMs: 4_000 }])).toEqual(shown);
  expect(notHandled(shown, [], 5_000, [{ fromMs: 2_000, toMs: 5_001 }])).toEqual([]);
  expect(notHandled(shown, [incident(1)], 5_000)).toEqual([]);
  expect(notHandled(shown, [incident(1, { service: "b" })], 5_000)).toEqual(shown);
  expect(notHandled(shown, [incident(1, { closedMs: 8_999 })], 5_000)).toEqual(shown);
  expect(notHandled(shown, [incident(1, { openedMs: 9_001 })], 5_000)).toEqual(shown);
});

test("two incidents of one problem are found, those of two problems are not", () => {
  const first = incident(1, { closedMs: 3_000 });
  const second = incident(2, { openedMs: 4_000, noticedMs: 4_100 });
  expect(handledTwice([first, second], new Map())).toEqual([[first, second]]);
  expect(handledTwice([first, second], new Map([["a", [2_900]]]))).toEqual([]);
  expect(handledTwice([first, second], new Map([["a", [4_200]]]))).toHaveLength(1);
  expect(handledTwice([first, second], new Map([["b", [2_900]]]))).toHaveLength(1);
  expect(handledTwice([incident(1), second], new Map([["a", [2_900]]]))).toHaveLength(1);
});
