import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { addressOf, unwaited } from "./address.ts";
import { cacheStatus } from "./cache-status.ts";
import type { HlsAnswer } from "./hls-rules.ts";
import { hlsLifetimeMs } from "./hls-rules.ts";
import { initialOf, steer } from "./steering.ts";
import { Traffic, hitRatio } from "./traffic.ts";
import { Viewers } from "./viewers.ts";

const ALL: ReadonlySet<string> = new Set(["*"]);

describe("an address", () => {
  test("is the same for the same object, whatever players tell with it", () => {
    const plain = addressOf("/live/cam/v.m3u8?_HLS_part=2&_HLS_msn=1");
    const told = addressOf(
      '/live/%63am/v.m3u8?CMCD=bl%3D1%2Csid%3D"abc"&_HLS_msn=1&x=1&_HLS_part=2',
      ALL,
    );
    expect(plain?.key).toBe("/live/cam/v.m3u8?_HLS_msn=1&_HLS_part=2");
    expect(told?.key).toBe(plain?.key);
    expect(told?.session).toBe("abc");
    expect(plain).toMatchObject({ kind: "playlist", session: undefined, isBlocking: true });
  });
  test("of anything else keeps its query as it is", () => {
    expect(addressOf("/a?b=2&a=1&x")?.key).toBe("/a?b=2&a=1&x");
    expect(addressOf("/a?")?.key).toBe("/a");
  });
  test("has one spelling", () => {
    expect(addressOf("/live/a%2db%20%c3%a9")?.key).toBe("/live/a-b%20%C3%A9");
  });
  test.each([
    "x",
    "/a%zz",
    "/a%2E%2E/b%",
    "/a/.%2e/b",
    "/a//b",
    "/a/../b",
    "/a/%2e%2e/b",
    "/a%2fb",
    "/a\\b",
    "/./a",
    "/a%00",
    "/.glassline/cluster/held/a",
    "/%2Eglassline/edge",
    `/${"a".repeat(5_000)}`,
  ])("%s is refused", (target) => expect(addressOf(target)).toBeUndefined());
});

test("the query is kept as it is, but for what players tell of themselves, and what is to be ignored", () => {
  const keyOf = (target: string, ...ignored: string[]) => addressOf(target, new Set(ignored))?.key;
  expect(keyOf("/a.m4s?v=2&v=1&%62=%7e&CMCD=br%3D1&+c&access_token=x")).toBe(
    "/a.m4s?v=2&v=1&%62=%7e&+c",
  );
  expect(keyOf("/a.m4s?_HLS_msn=1")).toBe("/a.m4s?_HLS_msn=1");
  expect(keyOf("/a.m4s?utm_source=x&v=1&utm%5Fsource", "utm_source")).toBe("/a.m4s?v=1");
  expect(keyOf("/page?utm_source=x&v=1", "utm_source")).toBe("/page?v=1");
  expect(keyOf("/page?access_token=theirs&CMCD=x")).toBe("/page?access_token=theirs&CMCD=x");
  expect(keyOf("/page?v=1", "*")).toBe("/page");
  const waiting = addressOf("/a.m3u8?_HLS_part=0&s=b&_HLS_skip=YES&_HLS_msn=1&a=1");
  expect(waiting).toMatchObject({
    key: "/a.m3u8?s=b&a=1&_HLS_msn=1&_HLS_part=0&_HLS_skip=YES",
    resource: "/a.m3u8?s=b&a=1",
    path: "/a.m3u8",
    isBlocking: true,
  });
  expect(unwaited(waiting!).key).toBe("/a.m3u8?s=b&a=1&_HLS_skip=YES");
});

test("a key is an address that means itself", () => {
  const pair = fc.oneof(
    fc.constantFrom("_HLS_msn=7", "_HLS_part=1", "_HLS_skip=YES", "CMCD=x", "utm=1", ""),
    fc.string({ unit: fc.constantFrom(..."ab=%41+~") }).filter((text) => !/%(?!41)/.test(text)),
  );
  const target = fc
    .tuple(fc.constantFrom("/a.m3u8", "/a.m4s", "/a"), fc.array(pair))
    .map(([path, pairs]) => `${path}?${pairs.join("&")}`);
  fc.assert(
    fc.property(target, fc.subarray(["*", "utm", "a"]), (text, ignored) => {
      const address = addressOf(text, new Set(ignored))!;
      const again = addressOf(address.key, new Set(ignored))!;
      expect({ ...again, session: undefined }).toEqual({ ...address, session: undefined });
    }),
  );
});

test("where the query is ignored, only what a playlist may depend on is part of its key", () => {
  const keyOf = (target: string) => addressOf(target, ALL)?.key;
  expect(keyOf("/a.m3u8?_HLS_skip=YES&_HLS_part=0&_HLS_msn=12")).toBe(
    "/a.m3u8?_HLS_msn=12&_HLS_part=0&_HLS_skip=YES",
  );
  for (const junk of ["_HLS_msn=x1", "_HLS_msn=01", "_HLS_skip=x", "_HLS_part=-1", "a=1"])
    expect(keyOf(`/a.m3u8?${junk}`)).toBe("/a.m3u8");
  expect(keyOf("/a.m3u8?_HLS_msn=1&_HLS_msn=2")).toBe("/a.m3u8");
  expect(keyOf("/a.ts?_HLS_msn=12")).toBe("/a.ts");
});

describe("freshness of HLS", () => {
  const MEDIA = Buffer.from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
  const SEGMENT: HlsAnswer = {
    kind: "segment",
    isBlocking: false,
    blockingMs: undefined,
    status: 200,
    body: undefined,
  };
  const fresh = (answer: Partial<HlsAnswer>, toldMs?: number) =>
    hlsLifetimeMs({ ...SEGMENT, ...answer }, toldMs, toldMs ?? 0);

  test("a segment's is what the origin says", () => {
    expect(fresh({}, 60_000)).toBe(60_000);
    expect(fresh({})).toBe(0);
  });
  test("a playlist's is never more than half a segment", () => {
    const playlist = { kind: "playlist", body: MEDIA } as const;
    expect(fresh(playlist, 60_000)).toBe(2_000);
    expect(fresh(playlist)).toBe(2_000);
    expect(fresh(playlist, 1_000)).toBe(1_000);
    expect(fresh({ ...playlist, body: Buffer.from("#EXTM3U\n") }, 5_000)).toBe(5_000);
  });
  test("one that was waited for never changes: six target durations", () => {
    const playlist = { kind: "playlist", body: MEDIA, isBlocking: true } as const;
    expect(fresh(playlist)).toBe(24_000);
    expect(fresh(playlist, 1_000)).toBe(1_000);
    expect(fresh(playlist, 60_000)).toBe(24_000);
    expect(fresh({ ...playlist, blockingMs: 3_000 }, 60_000)).toBe(3_000);
    expect(fresh({ ...playlist, blockingMs: 0 })).toBe(0);
  });
  test("what is not there will be in a moment, whatever the origin says", () => {
    expect(fresh({ status: 404 })).toBe(50);
    expect(fresh({ status: 404 }, 60_000)).toBe(50);
    expect(fresh({ status: 404, kind: "other" }, 60_000)).toBe(60_000);
  });
});

test("Cache-Status says how an answer came about (RFC 9211)", () => {
  expect(cacheStatus("edge-1", { kind: "hit", ttlS: 1.9 })).toBe('"edge-1"; hit; ttl=1');
  expect(cacheStatus("edge-1", { kind: "miss", reason: "stale", status: 200, stored: true })).toBe(
    '"edge-1"; fwd=stale; fwd-status=200; stored',
  );
  expect(
    cacheStatus("edge-1", { kind: "coalesced", reason: "stale", status: 200, stored: true }),
  ).toContain("; collapsed");
});

describe("steering", () => {
  const candidate = (edge: string, viewers: number, reachable = true, draining = false) => ({
    edge,
    viewers,
    reachable,
    draining,
    publicUrl: `http://${edge}`,
  });
  const ask = (candidates: ReturnType<typeof candidate>[], current?: string) =>
    steer(candidates, { current, self: "edge-1", path: "/steering/cam", ttlS: 5 });

  test("leaves a viewer where it is, and puts the next question to another edge", () => {
    expect(ask([candidate("edge-1", 9), candidate("edge-2", 5)], "edge-1")).toEqual({
      VERSION: 1,
      TTL: 5,
      "RELOAD-URI": "http://edge-2/steering/cam",
      "PATHWAY-PRIORITY": ["edge-1", "edge-2"],
    });
  });
  test("never names an edge that is away, unless it is the only one known", () => {
    const manifest = ask([candidate("edge-1", 3), candidate("edge-2", 0, false)], "edge-2");
    expect(manifest["PATHWAY-PRIORITY"]).toEqual(["edge-1"]);
    expect(manifest["RELOAD-URI"]).toBe("http://edge-1/steering/cam");
    expect(ask([candidate("edge-1", 3, false)])["PATHWAY-PRIORITY"]).toEqual(["edge-1"]);
  });
  test("names no edge that drains, not even to who plays from it, while another can be reached", () => {
    const draining = candidate("edge-1", 3, true, true);
    const manifest = ask([draining, candidate("edge-2", 500)], "edge-1");
    expect(manifest["PATHWAY-PRIORITY"]).toEqual(["edge-2"]);
    expect(manifest["RELOAD-URI"]).toBe("http://edge-2/steering/cam");
    const alone = ask([draining, candidate("edge-2", 0, false)], "edge-1");
    expect(alone["PATHWAY-PRIORITY"]).toEqual(["edge-1"]);
    const both = ask([draining, candidate("edge-2", 0, true, true)], "edge-1");
    expect(both["PATHWAY-PRIORITY"]).toEqual(["edge-1", "edge-2"]);
  });
  test("begins at the edge that is asked, or at the emptiest other one when that drains", () => {
    const others = [candidate("edge-2", 5), candidate("edge-3", 4), candidate("edge-4", 0, false)];
    expect(initialOf("edge-1", false, others)).toBe("edge-1");
    expect(initialOf("edge-1", true, others)).toBe("edge-3");
    expect(initialOf("edge-1", true, [candidate("edge-2", 0, true, true)])).toBe("edge-1");
    expect(initialOf("edge-1", true, [])).toBe("edge-1");
  });
  test("moves viewers only when edges are far apart", () => {
    expect(
      ask([candidate("edge-1", 100), candidate("edge-2", 10)], "edge-1")["PATHWAY-PRIORITY"][0],
    ).toBe("edge-2");
    expect(
      ask([candidate("edge-1", 20), candidate("edge-2", 5)], "edge-1")["PATHWAY-PRIORITY"][0],
    ).toBe("edge-1");
  });
});

describe("counts", () => {
  const served = {
    kind: "segment",
    outcome: "hit",
    status: 200,
    sentBytes: 10,
    firstByteMs: 3,
  } as const;
  test("the last minute forgets, the total does not", () => {
    const traffic = new Traffic(0);
    traffic.served(served, 500);
    traffic.served({ ...served, outcome: "miss" }, 61_000);
    expect(traffic.recent(61_500).counts).toMatchObject({ hits: 0, misses: 1, sentBytes: 10 });
    expect(hitRatio(traffic.total)).toBe(0.5);
    expect(hitRatio(traffic.recent(200_000).counts)).toBeUndefined();
  });
  test("quantiles lie within their bucket", () => {
    const traffic = new Traffic(0);
    for (let count = 0; count < 100; count++)
      traffic.served({ ...served, firstByteMs: count < 99 ? 3 : 150 }, 100);
    const { p50Ms, p99Ms } = traffic.recent(200);
    expect(p50Ms).toBeGreaterThan(2);
    expect(p50Ms).toBeLessThanOrEqual(5);
    expect(p99Ms).toBeLessThanOrEqual(5);
  });
  test("a viewer is counted once, and not for ever", () => {
    const viewers = new Viewers(1_000);
    for (let nowMs = 0; nowMs < 900; nowMs += 100) viewers.saw("a", nowMs);
    viewers.saw("b", 900);
    expect(viewers.count(1_000)).toBe(2);
    expect(viewers.count(1_850)).toBe(1);
    expect(viewers.count(2_000)).toBe(0);
  });
});

test("any path is refused or comes back as a key that means the same", () => {
  fc.assert(
    fc.property(fc.webPath(), (path) => {
      const address = addressOf(path);
      if (address) expect(addressOf(address.key)?.key).toBe(address.key);
    }),
  );
});
