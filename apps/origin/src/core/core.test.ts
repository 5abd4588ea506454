import { describe, expect, test } from "vitest";

import { cutPoints } from "./cut-points.ts";
import { pushedExtension, withinChannel } from "./push-path.ts";
import { isKnown } from "./validators.ts";

test("cuts lie on keyframes and make pieces that are alike", () => {
  const keyframes = Array.from({ length: 46 }, (_, at) => at * 267);
  const cuts = cutPoints(keyframes, 12_079, 2_000);
  expect(cuts).toHaveLength(6);
  expect(cuts.every((cut) => keyframes.includes(cut))).toBe(true);
  const lengths = cuts.map((cut, at) => (cuts[at + 1] ?? 12_079) - cut);
  expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(300);
  expect(cutPoints([0], 9_000, 2_000)).toEqual([0]);
});

describe("pushed names", () => {
  test.each(["index.m3u8", "video_0/seg-12.m4s", "a/b/c/d.ts"])("%s is accepted", (name) => {
    expect(pushedExtension(name)).toBeDefined();
  });
  test.each([
    "",
    "../x.m4s",
    "a/../x.m4s",
    "/x.m4s",
    ".hidden.ts",
    "x.exe",
    "a//b.ts",
    "x.m4s?y",
    "constructor",
    "a/b/c/d/e.ts",
  ])("%s is refused", (name) => {
    expect(pushedExtension(name)).toBeUndefined();
  });

  test.each([
    ["seg.m4s", "video/list.m3u8", "video/seg.m4s"],
    ["../init.mp4?x=1", "video/list.m3u8", "init.mp4"],
    ["http://169.254.169.254/x.m4s", "list.m3u8", undefined],
    ["//evil/x.m4s", "list.m3u8", undefined],
    ["/other/x.m4s", "list.m3u8", undefined],
    ["../../x.m4s", "video/list.m3u8", undefined],
    ["data:video/mp4,x.mp4", "list.m3u8", undefined],
  ])("the address %s in %s means %s", (uri, from, expected) => {
    expect(withinChannel(uri, from)).toBe(expected);
  });
});

test.each([
  [undefined, false],
  ["*", true],
  ['"a"', true],
  ['"b", W/"a"', true],
  ['"b"', false],
  ["a", false],
])('of If-None-Match: %s, the content with the tag "a" is known: %s', (header, expected) => {
  expect(isKnown(header, '"a"')).toBe(expected);
});
