/** What the origin is asked, where an answer of it cannot be used as it is. */
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import { startBoth } from "./both.testing.ts";
import { Cache } from "./cache.ts";
import { addressOf } from "./core/address.ts";
import { Addresses } from "./core/addresses.ts";
import { Fields } from "./core/http/fields.ts";
import { InFlight } from "./core/in-flight.ts";
import { Purges } from "./core/purges.ts";
import { cacheRequest } from "./request.ts";
import { MemoryStore } from "./stores/memory-store.ts";

const STALE = "max-age=0";

test("a 304 about other content is none: the origin is asked again, without conditions", async () => {
  const conditions: (string | undefined)[] = [];
  let version = 1;
  await using both = await startBoth((request, response) => {
    const condition = request.headers["if-none-match"];
    conditions.push(condition);
    response.setHeader("cache-control", STALE).setHeader("etag", `"v${version}"`);
    if (condition !== undefined) return response.writeHead(304).end();
    return response.end(`v${version}`);
  });
  expect((await both.get("/a")).text).toBe("v1");
  version = 2;
  expect(await both.get("/a")).toMatchObject({ status: 200, text: "v2" });
  expect(await both.get("/a")).toMatchObject({ status: 200, text: "v2" });
  expect(conditions).toEqual([undefined, '"v1"', undefined, '"v2"']);
});

test("an origin that gives 304 to who did not ask for it gives no answer", async () => {
  await using both = await startBoth((_request, response) => response.writeHead(304).end());
  expect((await both.get("/a")).status).toBe(502);
  expect((await both.get("/a", { method: "HEAD" })).status).toBe(502);
  expect(both.origin.asked).toHaveLength(4);
});

test("a 304 goes to the client that asked another method with its own condition", async () => {
  await using both = await startBoth((_request, response) => response.writeHead(304).end());
  const headers = { "if-none-match": '"e"' };
  expect((await both.get("/a", { method: "OPTIONS", headers })).status).toBe(304);
});

test.each([
  [500, 200],
  [502, 200],
  [503, 200],
  [504, 200],
  [501, 501],
  [505, 505],
])("stale-if-error is about 500, 502, 503 and 504 (RFC 5861): %d", async (status, expected) => {
  let isFailing = false;
  await using both = await startBoth((_request, response) => {
    if (isFailing) return response.writeHead(status).end();
    return response.setHeader("cache-control", `${STALE}, stale-if-error=60`).end("body");
  });
  await both.get("/a");
  isFailing = true;
  expect((await both.get("/a")).status).toBe(expected);
});

test("time that a question waits before it is asked makes its answer no older", async () => {
  const clock = simulatedClock();
  const purges = new Purges();
  const store = new MemoryStore(1_000_000, { purges, nowMs: clock.monotonicMs });
  const answer = {
    status: 200,
    fields: new Fields([
      ["cache-control", "max-age=60"],
      ["content-length", "4"],
    ]),
    body: (async function* () {
      yield Buffer.from("body");
    })(),
    trailers: () => [],
  };
  const upstream = {
    open: async ({ begun }: { begun?: () => void }) => {
      await clock.advance(5_000);
      begun?.();
      await clock.advance(1_000);
      return answer;
    },
    asksOrigin: () => true,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const limits = { objectMaxBytes: 1_000, inFlight: new InFlight(1_000) };
  const more = {
    blockingMs: () => undefined,
    isHinted: () => false,
    grows: () => false,
    invalidate: async () => {},
  };
  const deps = {
    store,
    purges,
    upstream,
    clock,
    name: "edge-1",
    fetched: () => {},
    ...limits,
    ...more,
  };
  const cache = new Cache({ ...deps, addresses: new Addresses() });
  const request = cacheRequest("GET", addressOf("/a")!, new Fields([]));
  await cache.get(request);
  expect(cache.find(request)?.ageMs).toBe(1_000);
});
