import { expect, test } from "vitest";

import { ROLL_PATIENCE_MS, heldBy } from "./roll.ts";

const NOW = 1_000_000_000_000n;
const other = (name: string, more: object = {}) => ({
  name,
  channel: "news",
  isReady: true,
  unreadySinceUnixNano: NOW,
  ...more,
});

test("an edge is replaced when all others of its channel are ready", () => {
  expect(heldBy("news", [other("a"), other("b")], NOW)).toBe("");
  expect(heldBy("news", [other("a"), other("b", { isReady: false })], NOW)).toBe(
    "edge b: it is not ready yet",
  );
});

test("edges of other channels hold nobody", () => {
  expect(heldBy("news", [other("b", { isReady: false, channel: "sport" })], NOW)).toBe("");
});

test("what is not ready for long stops the roll, and is named", () => {
  const sinceUnixNano = NOW - BigInt(ROLL_PATIENCE_MS + 1) * 1_000_000n;
  const late = other("b", { isReady: false, unreadySinceUnixNano: sinceUnixNano });
  expect(heldBy("news", [other("a", { isReady: false }), late], NOW)).toBe(
    "edge b: it has not been ready for 30 s, the roll has stopped",
  );
});
