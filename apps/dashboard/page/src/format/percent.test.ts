import { expect, test } from "vitest";

import { percentText } from "./percent.ts";

test("nearly all is not all", () => {
  expect(percentText(0.984)).toBe("98.4 %");
  expect(percentText(0.99999)).toBe("99.9 %");
  expect(percentText(1)).toBe("100 %");
  expect(percentText(0)).toBe("0 %");
  expect(percentText(undefined)).toBe("–");
});
