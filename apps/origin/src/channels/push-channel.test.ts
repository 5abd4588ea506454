import { expect, test } from "vitest";

import { pushChannel } from "./push-channel.ts";

const MEDIA =
  '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2,\nseg-0.m4s\n';
const MIB = 1_048_576;

function open(maxBytes = MIB) {
  const channel = pushChannel("cam", maxBytes);
  const put = (path: string, content: string, nowMs = 0) =>
    channel.put(path, Buffer.from(content), nowMs);
  const text = (path: string) => channel.find(path, 0)?.body.toString();
  /** What the playlist's addresses give. */
  const played = (playlist = "v.m3u8") =>
    [...text(playlist)!.matchAll(/~\w+\/[\w.-]+/g)].map(([address]) => text(address));
  return { channel, put, text, played };
}

test("a playlist names what was there when it came, also after the encoder has begun anew under the same names", () => {
  const { put, played } = open();
  put("init.mp4", "old init");
  put("seg-0.m4s", "old media");
  put("v.m3u8", MEDIA);
  expect(played()).toEqual(["old init", "old media"]);
  put("init.mp4", "new init");
  put("seg-0.m4s", "new media");
  expect(played()).toEqual(["old init", "old media"]);
  put("v.m3u8", MEDIA);
  expect(played()).toEqual(["new init", "new media"]);
});

test("a segment that comes after its playlist is named as soon as it is there", () => {
  const { put, played, text } = open();
  put("v.m3u8", MEDIA);
  expect(text("v.m3u8")).toBe(MEDIA);
  put("seg-0.m4s", "media");
  expect(played()).toEqual(["media"]);
});

test("what was replaced is there a minute longer, for players that are late", () => {
  const { channel, put, text } = open();
  put("seg-0.m4s", "old media");
  put("init.mp4", "init");
  put("v.m3u8", MEDIA);
  const [, address = ""] = /^(~\w+\/seg-0\.m4s)$/m.exec(text("v.m3u8")!)!;
  put("seg-0.m4s", "new media", 1_000);
  put("v.m3u8", MEDIA, 1_000);
  put("other.m4s", "x", 60_000);
  expect(text(address)).toBe("old media");
  const before = channel.storedBytes;
  put("other.m4s", "x", 62_000);
  expect(text(address)).toBeUndefined();
  expect(channel.storedBytes).toBeLessThan(before);
});

test("everything has a limit: bytes, objects without any, and playlists", () => {
  const { channel, put } = open(100_000);
  expect(() => put("a.m4s", "x".repeat(100_000))).toThrow(/expected at most 100000/);
  const empty = () => {
    for (let at = 0; at < 200; at++) put(`${at}.m4s`, "");
  };
  expect(empty).toThrow(/expected at most 100000/);
  const playlists = () => {
    for (let at = 0; at < 70; at++) channel.put(`${at}.m3u8`, Buffer.from(MEDIA), 100_000);
  };
  expect(playlists).toThrow(/got 64 playlists already/);
});

test("an encoder's media playlist may be called index.m3u8, beside one called media.m3u8", () => {
  const { put, text } = open();
  put("index.m3u8", MEDIA);
  put("media.m3u8", MEDIA);
  const uris = text("index.m3u8")!
    .split("\n")
    .filter((line) => line.endsWith(".m3u8"));
  expect(uris.toSorted()).toEqual(["media.m3u8", "~media.m3u8"]);
  for (const uri of uris) expect(text(uri)).toBe(MEDIA);
});
