import { inflateSync } from "node:zlib";

import { expect, test } from "vitest";

import { pngSize } from "../core/png-size.ts";
import { drawIcon } from "./draw-icon.ts";
import { pngOf } from "./png.ts";

test("a picture is a PNG whose rows are those that were drawn", () => {
  const png = pngOf(2, 2, (x, y) => [x, y, 7]);
  expect(pngSize(png)).toEqual({ width: 2, height: 2 });
  const from = png.indexOf("IDAT") + 4;
  // Up: the second row is the difference to the first.
  expect([...inflateSync(png.subarray(from, png.indexOf("IEND") - 8))]).toEqual([
    2, 0, 0, 7, 1, 0, 7, 2, 0, 1, 0, 0, 1, 0,
  ]);
});

test("an icon is small, the same each time, and another one for another channel", () => {
  const icon = drawIcon("harbour");
  expect(pngSize(icon)).toEqual({ width: 180, height: 180 });
  expect(icon.length).toBeLessThan(16_384);
  expect(drawIcon("harbour").equals(icon)).toBe(true);
  expect(drawIcon("garden").equals(icon)).toBe(false);
});
