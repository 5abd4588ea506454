import { describe, expect, test } from "vitest";

import type { Part } from "./low-latency.ts";
import { firstPosition, piecesFrom } from "./pieces.ts";
import type { MediaPlaylist } from "./playlist.ts";
import { reloadUrl } from "./reload.ts";

const SEGMENT_MS = 2_000;
const PART_MS = 500;

const partsOf = (sequence: number, count: number): Part[] =>
  Array.from({ length: count }, (_, at) => ({
    uri: `${sequence}.${at}.m4s`,
    durationMs: PART_MS,
    independent: at === 0,
  }));

/** Segments 10 to 15, the last two with their parts, and so many parts of segment 16. */
function playlistWith(openParts: number, more: Partial<MediaPlaylist> = {}): MediaPlaylist {
  const segments = Array.from({ length: 6 }, (_, at) => ({
    uri: `${10 + at}.m4s`,
    durationMs: SEGMENT_MS,
    sequence: 10 + at,
    discontinuitySequence: 0,
    programTimeMs: (10 + at) * SEGMENT_MS,
    mapUri: "init.mp4",
    parts: at >= 4 ? partsOf(10 + at, 4) : undefined,
  }));
  const open = {
    sequence: 16,
    discontinuitySequence: 0,
    programTimeMs: 16 * SEGMENT_MS,
    mapUri: "init.mp4",
    parts: partsOf(16, openParts),
  };
  const lowLatency = {
    partTargetMs: PART_MS,
    open: openParts > 0 ? open : undefined,
    preloadHint: undefined,
    renditionReports: [],
  };
  const held = { canSkipUntilMs: undefined, holdBackMs: undefined, partHoldBackMs: 1_500 };
  return {
    kind: "media",
    targetDurationMs: SEGMENT_MS,
    segments,
    ended: false,
    serverControl: { canBlockReload: true, ...held },
    lowLatency,
    ...more,
  };
}

const uris = (playlist: MediaPlaylist, sequence: number, part: number, hasParts = true) =>
  piecesFrom(playlist, { sequence, part }, hasParts).map(({ uri }) => uri);

describe("a player begins", () => {
  test("three target durations behind the end, with a whole segment", () => {
    expect(firstPosition(playlistWith(2), false)).toEqual({ sequence: 13, part: 0 });
  });
  test("closer to it with parts, and never closer than the server wishes", () => {
    expect(firstPosition(playlistWith(2), true)).toEqual({ sequence: 15, part: 0 });
    const far = { canBlockReload: true, canSkipUntilMs: undefined, holdBackMs: undefined };
    const held = playlistWith(2, { serverControl: { ...far, partHoldBackMs: 3_500 } });
    expect(firstPosition(held, true)).toEqual({ sequence: 14, part: 0 });
  });
  test("at the beginning of what has ended", () => {
    expect(firstPosition(playlistWith(0, { ended: true }), true)).toEqual({
      sequence: 10,
      part: 0,
    });
  });
  test("nowhere, when there is nothing", () => {
    expect(firstPosition(playlistWith(0, { segments: [] }), true)).toBeUndefined();
  });
});

describe("what comes next", () => {
  test("is whole segments, and then the parts of the one that is not whole yet", () => {
    expect(uris(playlistWith(2), 14, 0)).toEqual(["14.m4s", "15.m4s", "16.0.m4s", "16.1.m4s"]);
    expect(uris(playlistWith(2), 14, 0, false)).toEqual(["14.m4s", "15.m4s"]);
  });
  test("is the rest of a segment whose first parts were fetched, whole meanwhile or not", () => {
    expect(uris(playlistWith(3), 16, 2)).toEqual(["16.2.m4s"]);
    expect(uris(playlistWith(1), 15, 3)).toEqual(["15.3.m4s", "16.0.m4s"]);
    expect(uris(playlistWith(1), 15, 4)).toEqual(["16.0.m4s"]);
    expect(uris(playlistWith(1), 16, 1)).toEqual([]);
  });
  test("goes on with the next segment behind the last part of one that is whole", () => {
    const pieces = piecesFrom(playlistWith(0), { sequence: 15, part: 2 }, true);
    expect(pieces.map(({ next }) => next)).toEqual([
      { sequence: 15, part: 3 },
      { sequence: 16, part: 0 },
    ]);
  });
  test("knows when its first frame was captured", () => {
    const [piece] = piecesFrom(playlistWith(3), { sequence: 16, part: 2 }, true);
    expect(piece).toMatchObject({ programTimeMs: 33_000, durationMs: PART_MS, isPart: true });
  });
});

test("a server that can wait is asked for what comes behind all that is known", () => {
  const asked = (playlist: MediaPlaylist | undefined, hasParts: boolean) =>
    reloadUrl("http://edge/v.m3u8?a=1", playlist, hasParts).replace("http://edge/v.m3u8?a=1", "");
  expect(asked(playlistWith(2), false)).toBe("&_HLS_msn=16");
  expect(asked(playlistWith(2), true)).toBe("&_HLS_msn=16&_HLS_part=2");
  expect(asked(playlistWith(0), true)).toBe("&_HLS_msn=16&_HLS_part=0");
  expect(asked(undefined, true)).toBe("");
  expect(asked(playlistWith(2, { serverControl: undefined }), true)).toBe("");
});
