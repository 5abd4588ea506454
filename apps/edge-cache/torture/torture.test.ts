import { Random } from "@glassline/bench/fleet-model";
import { expect, test } from "vitest";

import { torture } from "./torture.ts";

test("after SIGKILL under load, with the origin away, objects are served from disk, and no wrong byte", async () => {
  const chance = new Random(7);
  const tortured = await torture(
    { kills: 1, clients: 4 },
    () => chance.uniform(),
    { tell: () => {}, say: () => {} },
    new AbortController().signal,
  );
  expect(tortured.problems).toEqual([]);
  expect(tortured.corrupt).toBe(0);
  expect(tortured.objects).toBeGreaterThan(50);
  expect(tortured.kept / tortured.objects).toBeGreaterThan(0.9);
}, 90_000);
