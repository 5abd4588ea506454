/** The torture in small; and what the bitmap would tell of an allocator that nobody should have. */
import { PassThrough } from "node:stream";

import { progressOn } from "@glassline/bench/progress";
import { expect, test } from "vitest";

import { describeWithPostgres } from "../../src/stores/postgres.testing.ts";
import { Bitmap } from "./bitmap.ts";
import { torture } from "./vnis.ts";

describeWithPostgres()("replicas that are killed and stopped, with a database that is", () => {
  test("give each VNI once, and all of them", { timeout: 240_000 }, async () => {
    const options = { vnis: 240_000, replicas: 3, kills: 2, stops: 2, restarts: 1 };
    const tortured = await torture(
      options,
      Math.random,
      progressOn(new PassThrough() as never),
      new AbortController().signal,
    );
    expect(tortured.problems).toEqual([]);
    expect(tortured).toMatchObject({
      given: 240_000,
      dropped: 15_000,
      duplicates: 0,
      changed: 0,
      leaked: 0,
      kills: 2,
      stops: 2,
      restarts: 1,
    });
  });
});

test("a VNI that is given twice, or another one than before, is found", () => {
  const bitmap = new Bitmap(10, 5);
  bitmap.told(0, 3);
  bitmap.told(0, 3);
  expect(bitmap).toMatchObject({ set: 1, duplicates: 0, changed: 0 });
  bitmap.told(1, 3);
  bitmap.told(0, 4);
  bitmap.told(2, 11);
  bitmap.told(2, 0);
  expect(bitmap).toMatchObject({ set: 1, duplicates: 1, changed: 1 });
  expect(bitmap.problems).toHaveLength(4);
  bitmap.drop(0);
  bitmap.told(1, 3);
  expect(bitmap).toMatchObject({ set: 1, duplicates: 1 });
});
