import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { MediaPlaylist } from "@glassline/hls/playlist";
import { parsePlaylist } from "@glassline/hls/playlist";
import { systemClock } from "@glassline/service/clock";
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, onTestFinished, test } from "vitest";

import { lowLatencyPlaylistFresh } from "./channels/channel.ts";
import { cutPicture } from "./media/cutter.ts";
import { eventually, openOrigin } from "./origin.testing.ts";

const CARD = fileURLToPath(new URL("../test-card/test-card.mp4", import.meta.url));

async function open(words: readonly string[], clock = systemClock) {
  const bed = await openOrigin(words, clock);
  onTestFinished(() => bed[Symbol.asyncDispose]());
  return bed;
}

test("without parts it is a channel of ordinary latency, and directives are left alone", async () => {
  const bed = await open(["--part=0"], simulatedClock(Date.UTC(2026, 5, 1)));
  const { text, headers } = await bed.ask("/live/cam-0001/picture.m3u8");
  const playlist = parsePlaylist(text) as MediaPlaylist;
  expect(text).not.toMatch(/EXT-X-(PART|SERVER-CONTROL|PRELOAD-HINT|RENDITION-REPORT)/);
  expect(headers["cache-control"]).toBe("public, max-age=1");
  const asked = `_HLS_msn=${playlist.segments.at(-1)!.sequence + 1}&_HLS_part=x&_HLS_skip=YES`;
  expect((await bed.ask(`/live/cam-0001/picture.m3u8?${asked}`)).text).toBe(text);
});

test("a playlist of low latency is fresh for a second if that is half a segment, and else asked for each time", () => {
  expect([1_000, 2_000, 10_000].map(lowLatencyPlaylistFresh)).toEqual([
    "no-cache",
    "public, max-age=1",
    "public, max-age=1",
  ]);
});

test("a request that waits for too long is told to try again", async () => {
  const clock = simulatedClock(Date.UTC(2026, 5, 1));
  const bed = await open(["--segment=20s"], clock);
  const { text } = await bed.ask("/live/cam-0001/picture.m3u8");
  const newest = (parsePlaylist(text) as MediaPlaylist).segments.at(-1)!.sequence;
  const asked = bed.ask(`/live/cam-0001/picture.m3u8?_HLS_msn=${newest + 2}`);
  await eventually(async () => ((await bed.metric("origin_held_requests")) > 0 ? true : undefined));
  await clock.advance(25_000);
  expect(await asked).toMatchObject({ status: 503 });
  expect(await bed.metric("origin_holds_total", 'outcome="late"')).toBe(1);
});

test("a camera that is called like the test card's is refused", async () => {
  await expect(open([`--camera=cam-0001=${CARD}`])).rejects.toThrow(
    /^channel cam-0001: got it for both .*test-card.mp4 and .*, expected different names/,
  );
});

test("parts longer than a segment are refused", async () => {
  await expect(open(["--part=3s"])).rejects.toThrow(
    "--part: got 3000ms, expected at most 2000ms, the length of a segment (--segment), or 0.",
  );
});

test("files of one camera whose cuts are at other moments are refused", async () => {
  const directory = await mkdtemp(join(tmpdir(), "glassline-origin-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const lengths = { segmentMs: 2_000, partMs: 0 };
  const { init, segments } = cutPicture(await readFile(CARD), CARD, lengths);
  const short = join(directory, "short.mp4");
  const bytes = segments.slice(0, 5).map((segment) => segment.bytes);
  await writeFile(short, Buffer.concat([init, ...bytes]));
  await expect(open(["--test-card=", "--camera", `two=${CARD},${short}`])).rejects.toThrow(
    `${short}: cannot be cut: it ends at 10.000 s, expected 60.000 s, at most 20.0 ms (half a frame) away.`,
  );
});

test("an encoder's own playlist of low latency is given as it came, its parts under names of their content", async () => {
  const key = "a-key-of-this-test";
  const bed = await open([`--push-key=${key}`]);
  const put = (path: string, body: string) =>
    bed.ask(`/push/mine/${path}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${key}` },
      body,
    });
  const pushed = [
    "#EXTM3U",
    "#EXT-X-VERSION:9",
    "#EXT-X-TARGETDURATION:2",
    "#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=1.5",
    "#EXT-X-PART-INF:PART-TARGET=0.5",
    "#EXT-X-MEDIA-SEQUENCE:0",
    '#EXT-X-MAP:URI="init.mp4"',
    '#EXT-X-PART:DURATION=0.5,URI="seg-0.0.m4s",INDEPENDENT=YES',
    "#EXTINF:0.5,",
    "seg-0.m4s",
    '#EXT-X-PART:DURATION=0.5,URI="seg-1.0.m4s"',
    '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="seg-1.1.m4s"',
    '#EXT-X-RENDITION-REPORT:URI="low.m3u8",LAST-MSN=1,LAST-PART=0',
    "",
  ].join("\n");
  for (const name of ["init.mp4", "seg-0.0.m4s", "seg-0.m4s", "seg-1.0.m4s"])
    expect((await put(name, `content of ${name}`)).status).toBe(201);
  expect((await put("high.m3u8", pushed)).status).toBe(201);
  const { text, headers } = await bed.ask("/live/mine/high.m3u8?_HLS_msn=9&_HLS_part=0");
  expect(text.replaceAll(/~[0-9a-f]{12}\//g, "")).toBe(pushed);
  expect(headers.etag).toMatch(/^"/);
  const address = /~[0-9a-f]{12}\/seg-1\.0\.m4s/.exec(text)![0];
  const part = await bed.ask(`/live/mine/${address}`);
  expect(part.text).toBe("content of seg-1.0.m4s");
  expect(part.headers["cache-control"]).toBe("public, max-age=3600, immutable");
  // Not held: nobody but the encoder knows when it comes.
  expect((await bed.ask("/live/mine/seg-1.1.m4s")).status).toBe(404);
});
