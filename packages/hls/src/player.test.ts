import { describe, expect, test } from "vitest";

import { rangeField } from "./byte-range.ts";
import type { HttpAnswer, HttpGet } from "./fetch.ts";
import { withPathways } from "./pathways.ts";
import { Player } from "./player.ts";
import { writeMediaPlaylist, writeMultivariantPlaylist } from "./write.ts";

/** Time jumps to the next moment that somebody sleeps for, as soon as all others wait. */
function clockOf() {
  let nowMs = 1_000_000;
  const sleepers: { dueMs: number; wake: () => void }[] = [];
  const clock = {
    monotonicMs: () => nowMs,
    nowMs: () => nowMs,
    sleep: (lengthMs: number, signal?: AbortSignal) =>
      new Promise<void>((wake, reject) => {
        sleepers.push({ dueMs: nowMs + lengthMs, wake });
        signal?.addEventListener("abort", () => reject(new Error("aborted")));
        if (signal?.aborted) reject(new Error("aborted"));
      }),
    async runUntil(done: Promise<unknown>) {
      const state = { running: true };
      void done.finally(() => (state.running = false));
      while (state.running) {
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        const next = sleepers.sort((a, b) => a.dueMs - b.dueMs).shift();
        if (!next) continue;
        nowMs = Math.max(nowMs, next.dueMs);
        next.wake();
      }
    },
  };
  return clock;
}

const SEGMENT_MS = 2_000;
/** Who waits for an answer notices so soon that its server has died. */
const HELD_STEP_MS = 50;

/** Two edges with one live channel, which may wait for its next segment when they are asked for it. */
function network(
  clock: ReturnType<typeof clockOf>,
  stop: { atMs: number; abort: AbortController },
) {
  const asked: string[] = [];
  const askedMs = new Map<string, number>();
  const server = { canBlockReload: false, diesAtSegmentFromMs: Number.POSITIVE_INFINITY };
  const dead = new Set<string>();
  const body = (url: URL): string | undefined => {
    if (url.pathname === "/steering/cam") {
      const order = ["edge-1", "edge-2"].filter((edge) => !dead.has(edge));
      return JSON.stringify({ VERSION: 1, TTL: 5, "PATHWAY-PRIORITY": order });
    }
    if (url.pathname === "/live/cam/index.m3u8") {
      const pathways = ["edge-1", "edge-2"].map((id) => ({ id, baseUrl: `http://${id}` }));
      const text = writeMultivariantPlaylist([{ uri: "v.m3u8", bandwidth: 1 }]);
      return withPathways(text, url.pathname, pathways, {
        initial: "edge-1",
        serverUri: "/steering/cam",
      });
    }
    if (url.pathname === "/live/cam/v.m3u8") {
      const newest = Math.floor(clock.nowMs() / SEGMENT_MS) - 1;
      const segments = Array.from({ length: 6 }, (_, at) => newest - 5 + at).map((sequence) => ({
        sequence,
        uri: `${sequence}.m4s`,
        durationMs: SEGMENT_MS,
        discontinuitySequence: 0,
        programTimeMs: sequence * SEGMENT_MS,
        mapUri: "init.mp4",
      }));
      const control = {
        canSkipUntilMs: undefined,
        holdBackMs: undefined,
        partHoldBackMs: undefined,
      };
      return writeMediaPlaylist({
        ...(server.canBlockReload && { serverControl: { canBlockReload: true, ...control } }),
        kind: "media",
        targetDurationMs: SEGMENT_MS,
        segments,
        ended: false,
      });
    }
    return /\.(m4s|mp4)$/.test(url.pathname) ? "media" : undefined;
  };
  const get = async (address: string): Promise<HttpAnswer> => {
    const url = new URL(address);
    asked.push(`${url.host}${url.pathname}`);
    askedMs.set(url.pathname, clock.nowMs());
    if (clock.nowMs() > stop.atMs) stop.abort.abort();
    const isSegment = url.pathname.endsWith(".m4s");
    if (isSegment && clock.nowMs() > server.diesAtSegmentFromMs) dead.add("edge-1");
    if (dead.has(url.host)) throw new TypeError("refused");
    const wanted = url.searchParams.get("_HLS_msn");
    const existsMs = wanted === null ? 0 : (Number(wanted) + 1) * SEGMENT_MS;
    while (existsMs > clock.nowMs()) {
      await clock.sleep(Math.min(HELD_STEP_MS, existsMs - clock.nowMs()));
      if (dead.has(url.host)) throw new TypeError("cut off");
    }
    const found = body(url);
    return {
      status: found === undefined ? 404 : 200,
      header: () => undefined,
      body: new TextEncoder().encode(found ?? ""),
      firstByteMs: 1,
    };
  };
  return { get, asked, askedMs, dead, server };
}

async function watch(
  lengthMs: number,
  during: (
    network_: ReturnType<typeof network>,
    clock: ReturnType<typeof clockOf>,
  ) => void = () => {},
) {
  const clock = clockOf();
  const abort = new AbortController();
  const net = network(clock, { atMs: clock.nowMs() + lengthMs, abort });
  during(net, clock);
  const player = new Player({
    urls: ["http://edge-1/live/cam/index.m3u8", "http://edge-2/live/cam/index.m3u8"],
    get: net.get,
    clock,
    sessionId: "s",
  });
  const played = player.play(abort.signal);
  await clock.runUntil(played);
  return { report: await played, asked: net.asked, askedMs: net.askedMs };
}

describe("the player", () => {
  test("fetches each segment once, in order, and does not stall", async () => {
    const { report, asked } = await watch(60_000);
    const segments = asked.filter((path) => path.endsWith(".m4s"));
    expect(segments).toEqual([...new Set(segments)]);
    expect(segments.length).toBeGreaterThan(28);
    expect(report).toMatchObject({
      errors: {},
      skipped: 0,
      stalls: 0,
      pathway: "edge-1",
      pathwayChanges: 0,
    });
    expect(asked.filter((path) => path.endsWith("init.mp4"))).toHaveLength(1);
    expect(report.latencyMs).toBeLessThan(4 * SEGMENT_MS);
  });

  test("asks a server that can wait for the next segment, once a segment", async () => {
    const { report, asked } = await watch(60_000, ({ server }) => {
      server.canBlockReload = true;
    });
    const segments = asked.filter((path) => path.endsWith(".m4s")).length;
    const reloads = asked.filter((path) => path.endsWith("v.m3u8")).length;
    expect(segments).toBeGreaterThan(28);
    expect(reloads).toBeLessThanOrEqual(segments);
    expect(report).toMatchObject({ errors: {}, skipped: 0, stalls: 0 });
  });

  test("begins at another server when the first is away", async () => {
    const { report } = await watch(20_000, ({ dead }) => void dead.add("edge-1"));
    expect(report.segments).toBeGreaterThan(5);
    expect(report.pathway).toBe("edge-2");
  });

  test("leaves a server that dies and misses no segment", async () => {
    const { report, asked } = await watch(60_000, ({ dead }, clock) => {
      void clock.sleep(21_000).then(() => dead.add("edge-1"));
    });
    expect(report.pathway).toBe("edge-2");
    expect(report.pathwayChanges).toBe(1);
    expect(report.skipped).toBe(0);
    expect(report.stalls).toBe(0);
    const numbers = [...new Set(asked.flatMap((path) => /(\d+)\.m4s$/.exec(path)?.[1] ?? []))].map(
      Number,
    );
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => numbers[0]! + at));
  });

  test("gets a segment elsewhere at once when its server dies while it fetches it", async () => {
    const { report, askedMs } = await watch(60_000, ({ server }, clock) => {
      server.canBlockReload = true;
      server.diesAtSegmentFromMs = clock.nowMs() + 21_000;
    });
    expect(report).toMatchObject({ pathway: "edge-2", pathwayChanges: 1, skipped: 0 });
    const lateMs = [...askedMs].flatMap(([path, atMs]) => {
      const sequence = /(\d+)\.m4s$/.exec(path)?.[1];
      return sequence === undefined ? [] : [atMs - (Number(sequence) + 1) * SEGMENT_MS];
    });
    // It tries the server that it had once more.
    expect(Math.max(...lateMs.slice(4))).toBeLessThan(600);
  });

  test("gets the next segment as soon as it is there, when its server dies while it waits for it", async () => {
    const { report, askedMs } = await watch(60_000, ({ dead, server }, clock) => {
      server.canBlockReload = true;
      void clock.sleep(21_300).then(() => dead.add("edge-1"));
    });
    expect(report).toMatchObject({ pathway: "edge-2", pathwayChanges: 1, skipped: 0 });
    const lateMs = [...askedMs].flatMap(([path, atMs]) => {
      const sequence = /(\d+)\.m4s$/.exec(path)?.[1];
      return sequence === undefined ? [] : [atMs - (Number(sequence) + 1) * SEGMENT_MS];
    });
    // The first ones were there before.
    expect(Math.max(...lateMs.slice(4))).toBeLessThan(100);
  });
});

/** A channel in two qualities, of which the first needs more than the connection carries. */
async function watchQualities(isAdaptive: boolean) {
  const clock = clockOf();
  const abort = new AbortController();
  const stopMs = clock.nowMs() + 60_000;
  const asked: string[] = [];
  const get = async (address: string): Promise<HttpAnswer> => {
    const { pathname } = new URL(address);
    if (clock.nowMs() > stopMs) abort.abort();
    asked.push(pathname);
    const isMedia = pathname.endsWith(".m4s");
    const text = isMedia ? "" : playlistOf(pathname, clock.nowMs());
    const body = isMedia
      ? new Uint8Array(pathname.startsWith("/high") ? 1_000_000 : 200_000)
      : new TextEncoder().encode(text);
    // 2.4 Mbit/s
    await clock.sleep(body.byteLength / 300);
    return { status: 200, header: () => undefined, body, firstByteMs: 1 };
  };
  const url = "http://edge-1/index.m3u8";
  const player = new Player({ urls: [url], get, clock, sessionId: "s", isAdaptive });
  const played = player.play(abort.signal);
  await clock.runUntil(played);
  return { report: await played, asked };
}

function playlistOf(pathname: string, nowMs: number): string {
  if (pathname === "/index.m3u8")
    return writeMultivariantPlaylist([
      { uri: "high/v.m3u8", bandwidth: 4_000_000 },
      { uri: "low/v.m3u8", bandwidth: 800_000 },
    ]);
  const newest = Math.floor(nowMs / SEGMENT_MS) - 1;
  const segments = Array.from({ length: 6 }, (_, at) => newest - 5 + at).map((sequence) => ({
    sequence,
    uri: `${sequence}.m4s`,
    durationMs: SEGMENT_MS,
    discontinuitySequence: 0,
    programTimeMs: sequence * SEGMENT_MS,
    mapUri: undefined,
  }));
  return writeMediaPlaylist({
    kind: "media",
    targetDurationMs: SEGMENT_MS,
    segments,
    ended: false,
  });
}

describe("qualities", () => {
  test("a player that adapts leaves the one that its connection does not carry", async () => {
    const { report, asked } = await watchQualities(true);
    const media = asked.filter((path) => path.endsWith(".m4s"));
    expect(media.filter((path) => path.startsWith("/high"))).toHaveLength(1);
    expect(report).toMatchObject({ levelChanges: 1, pathwayChanges: 0, errors: {}, skipped: 0 });
    expect(report.stalls).toBeLessThanOrEqual(1);
    // Each segment once, whatever its quality.
    const numbers = media.map((path) => /\d+/.exec(path)![0]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test("one that does not stays, and stalls", async () => {
    const { report, asked } = await watchQualities(false);
    expect(asked.some((path) => path.startsWith("/low"))).toBe(false);
    expect(report.levelChanges).toBe(0);
    expect(report.stalls).toBeGreaterThan(1);
  });
});

describe("limits", () => {
  test("what has ended is fetched no further ahead than is wished", async () => {
    const clock = clockOf();
    const fetchedMs: number[] = [];
    const startMs = clock.nowMs();
    const lines = Array.from({ length: 20 }, (_, at) => `#EXTINF:2,\n${at}.m4s\n`).join("");
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${lines}#EXT-X-ENDLIST\n`;
    const get = async (url: string): Promise<HttpAnswer> => {
      if (url.includes(".m4s")) fetchedMs.push(clock.nowMs() - startMs);
      const body = new TextEncoder().encode(text);
      return { status: 200, header: () => undefined, body, firstByteMs: 1 };
    };
    const player = new Player({
      urls: ["http://edge-1/v.m3u8"],
      get,
      clock,
      sessionId: "s",
      bufferMaxMs: 10_000,
    });
    const played = player.play(new AbortController().signal);
    await clock.runUntil(played);
    expect(await played).toMatchObject({ stalls: 0, errors: {} });
    for (const [at, ms] of fetchedMs.entries())
      expect(at * SEGMENT_MS - ms).toBeLessThanOrEqual(10_000);
  });

  test("ranges of a resource are fetched each once, its initialization too", async () => {
    const clock = clockOf();
    const text = `#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-MAP:URI="all.mp4",BYTERANGE="600@0"
#EXTINF:2,
#EXT-X-BYTERANGE:1000@600
all.mp4
#EXTINF:2,
#EXT-X-BYTERANGE:500
all.mp4
#EXT-X-ENDLIST
`;
    const ranges: (string | undefined)[] = [];
    const get: HttpGet = async (_url, _signal, byteRange) => {
      ranges.push(byteRange && rangeField(byteRange));
      const body = new TextEncoder().encode(byteRange ? "" : text);
      return { status: byteRange ? 206 : 200, header: () => undefined, body, firstByteMs: 1 };
    };
    const player = new Player({ urls: ["http://edge-1/v.m3u8"], get, clock, sessionId: "s" });
    const played = player.play(new AbortController().signal);
    await clock.runUntil(played);
    expect(await played).toMatchObject({ segments: 2, errors: {} });
    expect(ranges.filter((range) => range !== undefined)).toEqual([
      "bytes=0-599",
      "bytes=600-1599",
      "bytes=1600-2099",
    ]);
  });

  test("only variants that may be played are", async () => {
    const clock = clockOf();
    const abort = new AbortController();
    const net = network(clock, { atMs: clock.nowMs() + 20_000, abort });
    const player = new Player({
      urls: ["http://edge-1/live/cam/index.m3u8"],
      get: net.get,
      clock,
      sessionId: "s",
      mayPlay: (url) => new URL(url).host === "edge-2",
    });
    const played = player.play(abort.signal);
    await clock.runUntil(played);
    expect((await played).pathway).toBe("edge-2");
    const media = net.asked.filter((path) => path.endsWith("v.m3u8"));
    expect(media.filter((path) => path.startsWith("edge-1"))).toEqual([]);
  });
});
