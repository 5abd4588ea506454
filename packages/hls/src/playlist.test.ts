import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { isMultivariant, withPathways } from "./pathways.ts";
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
