import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { AccessRecord } from "./access-line.ts";
import { readAccessLine } from "./access-line.ts";
import { Frequent } from "./frequent.ts";
import { Popularity } from "./popularity.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0);
const HOUR_MS = 3_600_000;

const LINE =
  '203.0.113.7 - anna [22/Nov/2026:10:00:00 +0000] "GET /live/cam-1/index.m3u8?CMCD=x HTTP/1.1" 200 612 "-" "hls.js" "hit" "0.21"';

describe("a line of an access log", () => {
  test("is read as edges, nginx and Apache write it", () => {
    const common = '::1 - - [22/Nov/2026:11:00:00 +0100] "HEAD /a HTTP/2" 304 -';
    expect(readAccessLine(LINE)).toEqual({
      timeMs: NOW_MS - 2 * HOUR_MS,
      method: "GET",
      target: "/live/cam-1/index.m3u8?CMCD=x",
      status: 200,
      bytes: 612,
      userAgent: "hls.js",
      result: "hit",
    });
    expect(readAccessLine(common)).toMatchObject({
      timeMs: NOW_MS - 2 * HOUR_MS,
      method: "HEAD",
      status: 304,
      bytes: 0,
      userAgent: undefined,
      result: undefined,
    });
    expect(readAccessLine(LINE.replace("hls.js", String.raw`a \"b\" \x22`))).toMatchObject({
      userAgent: String.raw`a \"b\" \x22`,
      result: "hit",
    });
  });

  test.each([
    ["", /^got "", expected the Combined Log Format/],
    ["no log", /^got "no log"/],
    ["\u001b[31mred\u0000".repeat(100), /^got "\?\[31mred\?.*\.\.\."/],
    [LINE.replace("22/Nov", "31/Feb"), /^time: got "31\/Feb/],
    [LINE.replace("Nov", "nov"), /^time: got "22\/nov/],
    [LINE.replace("10:00:00", "24:00:00"), /^time: /],
    [LINE.replace("GET /live", "/live"), /^request: got "\/live/],
    [LINE.replace("GET ", String.raw`\x16\x03\x01 `), /^request: /],
  ])("that is none says what is wrong: %s", (line, expected) => {
    const read = readAccessLine(line);
    expect("problem" in read ? read.problem : "none").toMatch(expected);
  });

  test("whatever it is, it is answered, and soon", () => {
    const odd = fc.string({
      unit: fc.constantFrom('"', "\\", " ", "[", "]", "a", "1"),
      maxLength: 8_000,
    });
    fc.assert(fc.property(odd, (line) => void readAccessLine(line)));
    const startMs = performance.now();
    for (const line of [
      `${'"\\'.repeat(4_000)}`,
      `a b c [${"]".repeat(8_000)}`,
      "a ".repeat(4_000),
    ])
      expect(readAccessLine(line)).toHaveProperty("problem");
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});

const asked = (target: string, more: Partial<AccessRecord> = {}): AccessRecord => ({
  timeMs: NOW_MS,
  method: "GET",
  target,
  status: 200,
  bytes: 1,
  userAgent: "hls.js",
  result: "hit",
  ...more,
});

function popularOf(records: readonly AccessRecord[], pathsMax?: number) {
  const popularity = new Popularity({ nowMs: NOW_MS, ...(pathsMax && { pathsMax }) });
  const uncounted = records.flatMap((record) => popularity.add(record) ?? []);
  const top = popularity.top(10).map(({ path, score }) => [path, Math.round(score * 100) / 100]);
  return { uncounted, top };
}

describe("what is popular", () => {
  test("is what was asked for most; what is older counts less", () => {
    const { top } = popularOf([
      asked("/a.m3u8"),
      asked("/b.png"),
      asked("/b.png"),
      asked("/old.m3u8", { timeMs: NOW_MS - 6 * HOUR_MS }),
      asked("/old.m3u8", { timeMs: NOW_MS - 12 * HOUR_MS }),
    ]);
    expect(top).toEqual([
      ["/b.png", 2],
      ["/a.m3u8", 1],
      ["/old.m3u8", 0.75],
    ]);
  });

  test("is a playlist for its segments: those of a live channel are no more", () => {
    const { top } = popularOf([
      asked("/live/c/index.m3u8"),
      asked("/live/c/picture/v.m3u8?_HLS_msn=7&_HLS_part=1"),
      asked("/live/c/picture/7.m4s"),
      asked("/live/c/picture/7.1.m4s"),
      asked("/live/c/picture/init.mp4"),
      asked("/live/c/sound/eng/8.m4s"),
      // No playlist tells of them.
      asked("/files/part-1.ts"),
      asked("/live/c/trailer.mp4"),
    ]);
    expect(top).toEqual([
      ["/live/c/picture/v.m3u8", 4],
      ["/live/c/index.m3u8", 2],
      ["/files/part-1.ts", 1],
      ["/live/c/trailer.mp4", 1],
    ]);
  });

  test("is nothing that is gone, with its segments, unless it came back", () => {
    const { top, uncounted } = popularOf([
      asked("/gone/v.m3u8", { timeMs: NOW_MS - 1_000 }),
      asked("/gone/1.m4s"),
      asked("/gone/v.m3u8", { status: 404 }),
      asked("/back/v.m3u8", { status: 404, timeMs: NOW_MS - 1_000 }),
      asked("/back/v.m3u8"),
    ]);
    expect(top).toEqual([["/back/v.m3u8", 1]]);
    expect(uncounted).toEqual(["status", "status"]);
  });

  test.each([
    ["address", asked("http://elsewhere/a.m3u8")],
    ["address", asked("//elsewhere/a.m3u8")],
    ["address", asked("/a/../b.m3u8")],
    ["address", asked("/a/%2Fb.m3u8")],
    ["address", asked("/a%zz")],
    ["address", asked(String.raw`/a\x00b`)],
    ["address", asked("/<script>")],
    ["address", asked(`/${"a".repeat(1_024)}`)],
    ["method", asked("/a", { method: "POST" })],
    ["status", asked("/a", { status: 502 })],
    ["query", asked("/a?token=1")],
    ["future", asked("/a", { timeMs: NOW_MS + HOUR_MS })],
    ["old", asked("/a", { timeMs: NOW_MS - 1_000 * HOUR_MS })],
    ["not_viewers", asked("/a", { userAgent: "glassline-probe" })],
    ["not_viewers", asked("/a", { userAgent: "glassline-load" })],
    ["not_viewers", asked("/steering/cam-1")],
    ["not_viewers", asked("/a", { result: "refused" })],
  ])("is nothing by what does not count (%s): %j", (reason, record) => {
    expect(popularOf([record])).toEqual({ uncounted: [reason], top: [] });
  });

  test("is found among more paths than are kept", () => {
    const many = Array.from({ length: 5_000 }, (_, at) => asked(`/once/${at}`));
    const often = Array.from({ length: 400 }, () => asked("/often"));
    const mixed = many.flatMap((one, at) =>
      at % 13 === 0 && often.length > 0 ? [one, often.pop()!] : [one],
    );
    expect(popularOf(mixed, 100).top[0]![0]).toBe("/often");
  });
});

test("weights are never too high, and too low by no more than is said", () => {
  const keys = fc.array(fc.nat(30), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 12 }), (all, max) => {
      const frequent = new Frequent(max);
      const truth = new Map<string, number>();
      for (const key of all.map(String)) {
        frequent.add(key, 1, 0);
        truth.set(key, (truth.get(key) ?? 0) + 1);
        expect(frequent.entries.size).toBeLessThanOrEqual(max);
      }
      for (const [key, count] of truth) {
        const weight = frequent.entries.get(key)?.weight ?? 0;
        expect(weight).toBeLessThanOrEqual(count);
        expect(weight + frequent.shortfall).toBeGreaterThanOrEqual(count);
      }
      // Each time the median is taken off at least half of the entries.
      expect(frequent.shortfall).toBeLessThanOrEqual((2 * all.length) / max);
    }),
  );
});
