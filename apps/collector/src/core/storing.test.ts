import { expect, test } from "vitest";

import { Storing } from "./storing.ts";

test("what waits and what was refused is not stored, until something is", () => {
  const storing = new Storing();
  expect(storing.notStoredMs(1_000)).toBe(0);
  const [first, second, third] = [1_000, 2_000, 3_000].map((ms) => storing.came(ms));
  expect(storing.notStoredMs(5_000)).toBe(4_000);
  first!.stored();
  expect(storing.notStoredMs(5_000)).toBe(3_000);
  second!.refused();
  third!.refused();
  expect(storing.notStoredMs(5_000)).toBe(3_000);
  const late = storing.came(9_000);
  expect(storing.notStoredMs(9_000)).toBe(7_000);
  late.stored();
  expect(storing.notStoredMs(9_000)).toBe(0);
});
