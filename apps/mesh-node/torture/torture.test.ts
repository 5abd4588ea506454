import { PassThrough } from "node:stream";

import { progressOn } from "@glassline/bench/progress";
import { seededRandom } from "@glassline/service/random";
import { expect, test } from "vitest";

import { torture } from "./torture.ts";

test("no loop in any of some meshes, and each way is found when all is quiet", async () => {
  const wanted = { events: 300_000, nodes: 60 };
  const silent = progressOn(new PassThrough() as never);
  const signal = new AbortController().signal;
  const { events, meshes, problems } = await torture(wanted, seededRandom(7), silent, signal);
  expect(problems).toEqual([]);
  expect(events).toBeGreaterThanOrEqual(wanted.events);
  expect(meshes).toBeGreaterThan(2);
});
