import * as fc from "fast-check";
import { expect, test } from "vitest";

import { streamWindowBytes } from "./stream-window.ts";

const MEMORY_BYTES = 268_435_456;

test("the windows of all streams fit into the memory, and each lets something through", () => {
  const streams = fc.integer({ min: 1, max: 20_000 });
  fc.assert(
    fc.property(streams, (count) => {
      const bytes = streamWindowBytes(MEMORY_BYTES, count);
      expect(bytes * count).toBeLessThanOrEqual(MEMORY_BYTES);
      expect(bytes).toBeGreaterThanOrEqual(Math.min(4_194_304, MEMORY_BYTES / (2 * count)));
    }),
  );
  expect([0, 1, 64, 65, 10_000].map((count) => streamWindowBytes(MEMORY_BYTES, count))).toEqual([
    4_194_304, 4_194_304, 4_194_304, 2_097_152, 16_384,
  ]);
});
