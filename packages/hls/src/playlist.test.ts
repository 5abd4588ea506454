import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { rangeField } from "./byte-range.ts";
import { isMultivariant, withPathways } from "./pathways.ts";
import { piecesFrom } from "./pieces.ts";
import type { MediaPlaylist, Segment } from "./playlist.ts";
import { PlaylistError, parsePlaylist } from "./playlist.ts";
import { writeMediaPlaylist, writeMultivariantPlaylist } from "./write.ts";

const segment = fc.record({
  durationMs: fc.integer({ min: 1, max: 10_000 }),
  breaks: fc.boolean(),
});

/** Segments one after another, with discontinuities here and there. */
const media = fc
  .record({
    first: fc.nat({ max: 1_000_000_000 }),
    segments: fc.array(segment, { minLength: 1, maxLength: 20 }),
    startMs: fc.integer({ min: 1_500_000_000_000, max: 2_000_000_000_000 }),
  })
  .map(({ first, segments, startMs }): MediaPlaylist => {
    let [timeMs, discontinuity] = [startMs, 7];
    return {
      kind: "media",
      targetDurationMs: 10_000,
      ended: false,
      segments: segments.map(({ durationMs, breaks }, at): Segment => {
        if (breaks && at > 0) discontinuity++;
        const programTimeMs = timeMs;
        timeMs += durationMs;
        return {
          uri: `a/${first + at}.m4s`,
          durationMs,
          sequence: first + at,
          discontinuitySequence: discontinuity,
          programTimeMs,
          mapUri: "a/init.mp4",
        };
      }),
    };
  });

describe("media playlists", () => {
  test("come back as they were written", () => {
    fc.assert(
      fc.property(media, (playlist) => {
        expect(parsePlaylist(writeMediaPlaylist(playlist))).toEqual(playlist);
      }),
    );
  });

  test.each([
    ["nothing", "", /begins with #EXTM3U, got ""/],
    ["a page", "<html>", /got "<html>"/],
    ["no target duration", "#EXTM3U\n#EXTINF:2,\na.m4s\n", /needs #EXT-X-TARGETDURATION/],
  ])("%s is refused", (_what, text, reason) => {
    expect(() => parsePlaylist(text)).toThrow(reason);
  });

  test("any text is a playlist or a PlaylistError", () => {
    const lines = fc.array(
      fc.oneof(
        fc.string(),
        fc.constantFrom(
          "#EXTM3U",
          "#EXTINF:2,",
          "#EXT-X-TARGETDURATION:2",
          "#EXT-X-MAP:",
          "#EXT-X-BYTERANGE:x",
          "#EXT-X-KEY:METHOD=AES-128",
          "#EXT-X-STREAM-INF:",
          "#EXT-X-PART:DURATION=1",
          '#EXT-X-PART:DURATION=x,URI="a.m4s"',
          "#EXT-X-PART-INF:PART-TARGET=1",
          "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=x",
          "#EXT-X-SKIP:SKIPPED-SEGMENTS=x",
          "#EXT-X-PRELOAD-HINT:TYPE=PART",
          "#EXT-X-RENDITION-REPORT:LAST-MSN=x",
          "a.m4s",
        ),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(lines, (all) => {
        try {
          parsePlaylist(["#EXTM3U", ...all].join("\n"));
        } catch (error) {
          expect(error).toBeInstanceOf(PlaylistError);
        }
      }),
    );
  });
});

describe("pathways", () => {
  const PATHWAYS = [
    { id: "edge-1", baseUrl: "http://one:1" },
    { id: "edge-2", baseUrl: "http://two:2" },
  ];
  const STEERING = { initial: "edge-2", serverUri: "/steering/cam" };

  test("each variant is offered by every server, beginning with the one that answers", () => {
    const text = writeMultivariantPlaylist([
      { uri: "low.m3u8", bandwidth: 1, codecs: "avc1.4d401f" },
      { uri: "high/v.m3u8?a=b", bandwidth: 2 },
    ]);
    expect(isMultivariant(text)).toBe(true);
    const playlist = parsePlaylist(withPathways(text, "/live/cam/index.m3u8", PATHWAYS, STEERING));
    expect(playlist).toMatchObject({
      steering: { serverUri: "/steering/cam", pathwayId: "edge-2" },
      variants: [
        { pathwayId: "edge-2", uri: "http://two:2/live/cam/low.m3u8", codecs: "avc1.4d401f" },
        { pathwayId: "edge-2", uri: "http://two:2/live/cam/high/v.m3u8?a=b" },
        { pathwayId: "edge-1", uri: "http://one:1/live/cam/low.m3u8" },
        { pathwayId: "edge-1", uri: "http://one:1/live/cam/high/v.m3u8?a=b" },
      ],
    });
  });

  test("renditions get groups of their own on each pathway", () => {
    const text = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aud",NAME="en",URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="aud"
video.m3u8
`;
    const written = withPathways(text, "/live/cam/index.m3u8", PATHWAYS, STEERING);
    for (const { id, baseUrl } of PATHWAYS) {
      expect(written).toContain(
        `GROUP-ID="aud@${id}",NAME="en",URI="${baseUrl}/live/cam/audio.m3u8"`,
      );
      expect(written).toContain(`AUDIO="aud@${id}",PATHWAY-ID="${id}"`);
    }
  });

  test("what lies on other servers stays there", () => {
    const text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttps://elsewhere/v.m3u8\n";
    const written = withPathways(text, "/live/cam/index.m3u8", PATHWAYS, STEERING);
    expect(written.match(/https:\/\/elsewhere\/v\.m3u8/g)).toHaveLength(2);
  });
});

describe("ranges of resources", () => {
  const TEXT = `#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-MAP:URI="all.mp4",BYTERANGE="600@0"
#EXTINF:2,
#EXT-X-BYTERANGE:1000@600
all.mp4
#EXTINF:2,
#EXT-X-BYTERANGE:500
all.mp4
#EXT-X-PART:DURATION=0.5,URI="9.m4s",BYTERANGE="100@0"
#EXT-X-PART:DURATION=0.5,URI="9.m4s",BYTERANGE="50"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="9.m4s",BYTERANGE-START=150
`;

  test("of segments, parts, their initialization and the hint are told; without an offset they begin behind the one before", () => {
    const { segments, lowLatency } = mediaIn(TEXT);
    expect(segments.map(({ byteRange }) => byteRange)).toEqual([
      { offset: 600, length: 1_000 },
      { offset: 1_600, length: 500 },
    ]);
    expect(segments[1]?.mapByteRange).toEqual({ offset: 0, length: 600 });
    expect(lowLatency?.open?.parts.map(({ byteRange }) => byteRange)).toEqual([
      { offset: 0, length: 100 },
      { offset: 100, length: 50 },
    ]);
    expect(lowLatency?.open?.mapByteRange).toEqual({ offset: 0, length: 600 });
    expect(lowLatency?.preloadHintRange).toEqual({ offset: 150, length: undefined });
  });

  test("are written as they are read", () => {
    const playlist = mediaIn(TEXT);
    expect(mediaIn(writeMediaPlaylist(playlist))).toEqual(playlist);
  });

  test("are what a player fetches", () => {
    const ranges = piecesFrom(mediaIn(TEXT), { sequence: 8, part: 0 }, true).map(
      ({ uri, byteRange, mapByteRange }) =>
        `${uri} ${rangeField(byteRange!)} ${rangeField(mapByteRange!)}`,
    );
    expect(ranges).toEqual([
      "all.mp4 bytes=1600-2099 bytes=0-599",
      "9.m4s bytes=0-99 bytes=0-599",
      "9.m4s bytes=100-149 bytes=0-599",
    ]);
  });

  test("are left out where they are none", () => {
    const { segments } = mediaIn(TEXT.replace("1000@600", "0@600").replace("600@0", "x"));
    expect([segments[0]?.byteRange, segments[0]?.mapByteRange]).toEqual([undefined, undefined]);
  });

  function mediaIn(text: string) {
    const playlist = parsePlaylist(text);
    if (playlist.kind !== "media") throw new Error("got another playlist");
    return playlist;
  }
});
