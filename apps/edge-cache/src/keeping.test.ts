/** Two answers to the same that are under way at one time: the newer one stays. */
import fc from "fast-check";
import { expect, test } from "vitest";

import { startBoth } from "./both.testing.ts";
import { formatHttpDate } from "./core/http/dates.ts";
import type { Moments } from "./core/http/newer.ts";
import { isOlder } from "./core/http/newer.ts";

const NOON = Date.UTC(2026, 10, 21, 12);
const RELOAD = { headers: { "cache-control": "no-cache" } };

/** The first question is answered when it is released, with its Date; the second one at once, with another. */
async function startTwo(firstDateMs: number | undefined, secondDateMs: number | undefined) {
  const released = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let count = 0;
  const both = await startBoth(async (_request, response) => {
    const number = ++count;
    const dateMs = number === 1 ? firstDateMs : secondDateMs;
    response.sendDate = false;
    if (dateMs !== undefined) response.setHeader("date", formatHttpDate(dateMs));
    // A Date of long ago makes it old.
    response.setHeader("cache-control", "max-age=2000000000");
    if (number === 1) {
      asked.resolve();
      await released.promise;
    }
    response.end(`v${number}`);
  });
  const first = both.get("/a");
  await asked.promise;
  expect((await both.get("/a", RELOAD)).text).toBe("v2");
  released.resolve();
  expect((await first).text).toBe("v1");
  return both;
}

test.each([
  ["with equal dates that which was asked for later", NOON, NOON, "v2"],
  ["without dates, too", undefined, undefined, "v2"],
  ["otherwise that with the later date, asked for later", NOON, NOON + 1_000, "v2"],
  ["or asked for earlier", NOON + 1_000, NOON, "v1"],
])("of two answers the newer one is kept: %s", async (_what, firstMs, secondMs, kept) => {
  await using both = await startTwo(firstMs, secondMs);
  const { text, how } = await both.get("/a");
  expect([text, how.slice(0, 4)]).toEqual([kept, "hit;"]);
});

test("what is asked for now is newer than what was known then, whatever its date says", async () => {
  let dateMs = NOON;
  await using both = await startBoth((_request, response) => {
    response.setHeader("date", formatHttpDate(dateMs));
    response.setHeader("cache-control", "max-age=2000000000").end(String(dateMs));
  });
  await both.get("/a");
  dateMs -= 60_000;
  await both.get("/a", RELOAD);
  expect((await both.get("/a")).text).toBe(String(NOON - 60_000));
});

test("of two answers one at most is older, and only of those that overlap", () => {
  const ms = fc.integer({ min: 0, max: 20 });
  const moments = fc
    .record({ askedMs: ms, tookMs: ms, dateMs: fc.option(ms, { nil: undefined }) })
    .map(({ askedMs, tookMs, dateMs }): Moments => ({ askedMs, cameMs: askedMs + tookMs, dateMs }));
  fc.assert(
    fc.property(moments, moments, (one, other) => {
      expect(isOlder(one, other) && isOlder(other, one)).toBe(false);
      if (one.askedMs >= other.cameMs) expect(isOlder(one, other)).toBe(false);
      expect(isOlder(one, one)).toBe(false);
    }),
  );
});
