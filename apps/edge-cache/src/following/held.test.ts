/** What the origin is known to hold. */
import { systemClock } from "@glassline/service/clock";
import { expect, test, vi } from "vitest";

import { Cache } from "../cache.ts";
import { addressOf } from "../core/address.ts";
import { Addresses } from "../core/addresses.ts";
import { Fields } from "../core/http/fields.ts";
import { InFlight } from "../core/in-flight.ts";
import { Purges } from "../core/purges.ts";
import { cacheRequest } from "../request.ts";
import { MemoryStore } from "../stores/memory-store.ts";
import type { UpstreamRequest } from "../upstream/upstream.ts";
import { Following } from "./following.ts";

const PLAYLIST = `#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-MEDIA-SEQUENCE:7
#EXTINF:2,
7.m4s
#EXT-X-PART:DURATION=0.5,URI="8.0.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="8.1.m4s"
`;

test("a blocking reload and the part that is hinted at are held; what is there already is not", async () => {
  const clock = systemClock;
  const purges = new Purges();
  const store = new MemoryStore(1_000_000, { purges, nowMs: clock.monotonicMs });
  const held = new Map<string, boolean | undefined>();
  const upstream = {
    open: async ({ target, isHeld }: UpstreamRequest) => {
      held.set(target, isHeld);
      const fields = new Fields([
        ["cache-control", "max-age=60"],
        ["content-length", String(PLAYLIST.length)],
      ]);
      const body = (async function* () {
        yield Buffer.from(PLAYLIST);
      })();
      return { status: 200, fields, body, trailers: () => [] };
    },
    asksOrigin: () => true,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const addresses = new Addresses();
  const cache = new Cache({
    addresses,
    store,
    purges,
    upstream,
    clock,
    name: "edge-1",
    objectMaxBytes: 100_000,
    inFlight: new InFlight(1_000_000),
    fetched: () => {},
    blockingMs: () => undefined,
    isHinted: (key) => following.isHinted(key),
    grows: (key) => following.grows(key),
    invalidate: async () => {},
  });
  using following: Following = new Following({
    cache,
    addresses,
    store,
    clock,
    logger: { warn: () => {}, error: () => {} } as never,
    most: 1,
    fetched: () => {},
    refused: () => {},
  });
  const get = (target: string) =>
    cache.get(cacheRequest("GET", addressOf(target)!, new Fields([])));
  await get("/v.m3u8");
  following.saw(addressOf("/v.m3u8")!);
  await vi.waitFor(() => expect(following.isHinted("/8.1.m4s")).toBe(true));
  for (const target of ["/v.m3u8?_HLS_msn=8&_HLS_part=1", "/8.1.m4s", "/8.0.m4s"])
    get(target).catch(() => {});
  await vi.waitFor(() => expect(held.has("/8.0.m4s")).toBe(true));
  expect(Object.fromEntries(held)).toMatchObject({
    "/v.m3u8": false,
    "/v.m3u8?_HLS_msn=8&_HLS_part=1": true,
    "/8.1.m4s": true,
    "/8.0.m4s": false,
  });
});
