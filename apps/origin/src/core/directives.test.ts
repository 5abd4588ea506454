import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { planCuts } from "./cut-plan.ts";
import { DirectiveError, advancePartLimit, missing, readDirectives } from "./directives.ts";
import { exists, liveEnd, nextPart } from "./live-end.ts";
import { framesOf, moments, timelines } from "./timelines.testing.ts";

const read = (query: string) => readDirectives(new URLSearchParams(query));

describe("directives", () => {
  test.each([
    ["", { wanted: undefined, skip: false }],
    ["_HLS_msn=7", { wanted: { sequence: 7, part: undefined }, skip: false }],
    ["_HLS_part=0&_HLS_msn=7&_HLS_skip=v2", { wanted: { sequence: 7, part: 0 }, skip: true }],
    ["_HLS_skip=YES&_HLS_other=1&CMCD=x", { wanted: undefined, skip: true }],
  ])("are read: %s", (query, expected) => {
    expect(read(query)).toEqual(expected);
  });

  test.each([
    ["_HLS_part=1", /_HLS_part: got 1 without _HLS_msn, expected both/],
    ["_HLS_msn=-1", /_HLS_msn: got "-1", expected a decimal integer/],
    ["_HLS_msn=", /_HLS_msn: got "", expected/],
    ["_HLS_msn=1e3", /got "1e3"/],
    [
      "_HLS_msn=99999999999999999",
      /got "9+", expected a decimal integer from 0 to 9007199254740991/,
    ],
    ["_HLS_msn=1&_HLS_part=0x1", /_HLS_part: got "0x1"/],
    ["_HLS_msn=1&_HLS_msn=2", /_HLS_msn: got it 2 times, expected it once/],
    ["_HLS_skip=NO", /_HLS_skip: got "NO", expected YES or v2/],
  ])("are refused: %s", (query, reason) => {
    expect(() => read(query)).toThrow(reason);
    expect(() => read(query)).toThrow(DirectiveError);
  });

  test("any query is read or is a DirectiveError", () => {
    const word = fc.oneof(fc.string(), fc.nat().map(String), fc.constantFrom("YES", "v2"));
    const name = fc.constantFrom("_HLS_msn", "_HLS_part", "_HLS_skip");
    fc.assert(
      fc.property(fc.array(fc.tuple(name, word), { maxLength: 4 }), (pairs) => {
        try {
          readDirectives(new URLSearchParams(pairs));
        } catch (error) {
          expect(error).toBeInstanceOf(DirectiveError);
        }
      }),
    );
  });
});

describe("what a request waits for", () => {
  /** Segments of 2 s, four parts each. */
  const loop = planCuts(framesOf(1_500, [40], 50), { segmentMs: 2_000, partMs: 500 });
  const at = (sequence: number, part?: number) => ({ sequence, part });
  const END = { newest: 100, openParts: 2 };

  test.each([
    ["what is there", at(100), undefined],
    ["a part that is there", at(101, 1), undefined],
    ["what is long gone", at(3, 2), undefined],
    ["the next part", at(101, 2), at(101, 2)],
    ["the segment that is not whole", at(101), at(101)],
    ["the last segment that may be asked for", at(102), at(102)],
    ["a part behind the last one of its segment: the first of the next", at(101, 4), at(102, 0)],
    ["the same of a segment that is whole", at(100, 9), undefined],
    ["the first part of the segment after the next", at(102, 0), at(102, 0)],
  ])("%s", (_what, wanted, expected) => {
    expect(missing(loop, END, wanted)).toEqual(expected);
  });

  test.each([
    ["more than two segments ahead", at(103), /_HLS_msn: got 103, expected at most 102: the last/],
    [
      "more parts ahead than the limit",
      at(102, 4),
      /part 4 of segment 102, which is 7 parts ahead, expected at most 6/,
    ],
    ["a part far behind the last of its segment", at(101, 50), /49 parts ahead/],
  ])("%s is refused", (_what, wanted, reason) => {
    expect(() => missing(loop, END, wanted)).toThrow(reason);
  });

  test("the advance part limit is three parts, or three seconds of shorter ones", () => {
    expect([200, 520, 999, 1_000, 2_000].map(advancePartLimit)).toEqual([15, 6, 4, 3, 3]);
  });

  test("is never there yet, and the next part may always be asked for", () => {
    fc.assert(
      fc.property(timelines, moments, fc.nat({ max: 2 }), (loop, nowMs, ahead) => {
        const end = liveEnd(loop, nowMs);
        const next = nextPart(end);
        expect(missing(loop, end, next)).toEqual(next);
        const awaited = missing(loop, end, { sequence: end.newest + ahead, part: undefined });
        expect(awaited !== undefined).toBe(ahead > 0);
        expect(awaited && exists(end, awaited)).not.toBe(true);
      }),
    );
  });
});
