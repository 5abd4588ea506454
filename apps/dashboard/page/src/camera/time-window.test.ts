import { expect, test } from "vitest";

import { DEFAULT_WINDOW, minutesOf, rangeOf, windowOfMinutes } from "./time-window.ts";

const NOW_MS = 1_800_000_000_000;

test("a live window ends now", () => {
  expect(rangeOf(windowOfMinutes("1"), NOW_MS, NOW_MS - 500)).toEqual({
    fromMs: NOW_MS - 60_000,
    toMs: NOW_MS,
  });
});

test("a camera that has been silent for longer than the window is shown around its last sample", () => {
  const lastMs = NOW_MS - 3_600_000;
  expect(rangeOf(windowOfMinutes("1"), NOW_MS, lastMs)).toEqual({
    fromMs: lastMs - 59_999,
    toMs: lastMs + 1,
  });
});

test("a camera whose clock is ahead is shown around its own time", () => {
  expect(rangeOf(DEFAULT_WINDOW, NOW_MS, NOW_MS + 90_000).toMs).toBe(NOW_MS + 90_001);
});

test("a fixed window is what was selected", () => {
  const window = { kind: "fixed", fromMs: 1, toMs: 2 } as const;
  expect(rangeOf(window, NOW_MS, NOW_MS)).toEqual(window);
  expect(minutesOf(window)).toBeUndefined();
});
