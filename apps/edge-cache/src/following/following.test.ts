/** A channel of low latency that moves on when the test says so, and what the edge asks of it while somebody watches. */
import type { ServerResponse } from "node:http";

import { expect, test, vi } from "vitest";

import { startEdge, startOrigin, statusOf } from "../edge-cache.testing.ts";

const PATH = "/live/cam/low.m3u8";
const PARTS_PER_SEGMENT = 4;

/** The playlist when so many parts are there. */
function playlistOf(parts: number): string {
  const lines = [
    "#EXTM3U",
    "#EXT-X-TARGETDURATION:2",
    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,CAN-SKIP-UNTIL=12",
    "#EXT-X-PART-INF:PART-TARGET=0.5",
  ];
  const firstPart = Math.max(0, parts - 6);
  for (let part = firstPart; part < parts; part++) {
    if (part === firstPart) lines.push(`#EXT-X-MEDIA-SEQUENCE:${sequenceOf(part)}`);
    lines.push(`#EXT-X-PART:DURATION=0.5,URI="part-${part}.m4s"`);
    if (part % PARTS_PER_SEGMENT === PARTS_PER_SEGMENT - 1)
      lines.push("#EXTINF:2,", `segment-${sequenceOf(part)}.m4s`);
  }
  lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-${parts}.m4s"`);
  return `${lines.join("\n")}\n`;
}

const sequenceOf = (part: number) => Math.floor(part / PARTS_PER_SEGMENT);

async function startChannel(words: readonly string[] = []) {
  await using stack = new AsyncDisposableStack();
  const state = { parts: 5 };
  const waiting: { until: number; answer: () => void }[] = [];
  const when = (parts: number, response: ServerResponse, body: () => string) => {
    const answer = () => response.setHeader("cache-control", "max-age=60").end(body());
    if (state.parts >= parts) answer();
    else waiting.push({ until: parts, answer });
  };
  const origin = stack.use(
    await startOrigin(({ url = "" }, response) => {
      const { searchParams, pathname } = new URL(url, "http://origin");
      const part = /part-(\d+)\.m4s$/.exec(pathname)?.[1];
      if (pathname.includes("segment-")) return when(0, response, () => pathname);
      if (part !== undefined) return when(Number(part) + 1, response, () => `part ${part}`);
      const [msn, index] = ["_HLS_msn", "_HLS_part"].map((name) => Number(searchParams.get(name)));
      const parts = searchParams.has("_HLS_msn") ? msn! * PARTS_PER_SEGMENT + index! + 1 : 0;
      return when(parts, response, () => playlistOf(state.parts));
    }),
  );
  const edge = stack.use(await startEdge(origin.url, words));
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${edge.addresses.port}${path}`);
    const how = (response.headers.get("cache-status") ?? "").replace(/^.*"edge-1"; /, "");
    return { status: response.status, text: await response.text(), how };
  };
  const advance = () => {
    state.parts++;
    for (const { until, answer } of waiting) if (until === state.parts) answer();
  };
  const owned = stack.move();
  return { origin, edge, get, advance, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const times = (asked: readonly string[], what: string) =>
  asked.filter((one) => one === `GET ${what}`).length;

test("what comes next is here before a viewer asks, and was asked for once", async () => {
  await using channel = await startChannel();
  const { asked } = channel.origin;
  expect((await channel.get(PATH)).text).toBe(playlistOf(5));
  await channel.get(`${PATH}?_HLS_msn=1&_HLS_part=0`);
  await vi.waitFor(() => {
    expect(asked).toContain("GET /live/cam/part-5.m4s");
    expect(asked).toContain(`GET ${PATH}?_HLS_msn=1&_HLS_part=1`);
  });
  // A viewer that waits as players do, and the edge, wait for the same.
  const waited = channel.get(`${PATH}?_HLS_msn=1&_HLS_part=1`);
  for (let part = 5; part < 12; part++) {
    channel.advance();
    await vi.waitFor(() => expect(asked).toContain(`GET /live/cam/part-${part + 1}.m4s`));
    expect(await channel.get(`/live/cam/part-${part}.m4s`)).toMatchObject({
      text: `part ${part}`,
      how: expect.stringMatching(/^hit/),
    });
    expect(times(asked, `/live/cam/part-${part}.m4s`)).toBe(1);
  }
  expect((await waited).text).toBe(playlistOf(6));
  expect(times(asked, `${PATH}?_HLS_msn=1&_HLS_part=1`)).toBe(1);
  const { recent } = await statusOf(channel.edge.addresses.adminPort);
  expect(recent?.requests?.["part"]).toBe("7");
});

test("delta updates are waited for as soon as a player takes them", async () => {
  await using channel = await startChannel();
  await channel.get(PATH);
  await channel.get(`${PATH}?_HLS_msn=1&_HLS_part=0&_HLS_skip=YES`);
  channel.advance();
  await vi.waitFor(() =>
    expect(channel.origin.asked).toContain(`GET ${PATH}?_HLS_msn=1&_HLS_part=2&_HLS_skip=YES`),
  );
});

test("a player that asks too far ahead is told so, and the origin is not asked", async () => {
  await using channel = await startChannel();
  await channel.get(PATH);
  await vi.waitFor(() => expect(channel.origin.asked).toContain("GET /live/cam/segment-0.m4s"));
  expect(await channel.get(`${PATH}?_HLS_msn=4`)).toMatchObject({
    status: 400,
    text: expect.stringContaining("_HLS_msn"),
  });
  expect(times(channel.origin.asked, `${PATH}?_HLS_msn=4`)).toBe(0);
});

test("players that ask for parts that no segment has, or for what has left the playlist, make no copies", async () => {
  await using channel = await startChannel();
  for (let part = 5; part < 13; part++) channel.advance();
  await channel.get(PATH);
  await vi.waitFor(() => expect(channel.origin.asked).toContain("GET /live/cam/segment-2.m4s"));
  for (const query of ["_HLS_msn=3&_HLS_part=12", "_HLS_msn=3&_HLS_part=999999999"])
    expect((await channel.get(`${PATH}?${query}`)).status).toBe(400);
  for (const query of ["_HLS_msn=0", "_HLS_msn=0&_HLS_part=999999999", "_HLS_part=77"])
    expect(await channel.get(`${PATH}?${query}`)).toMatchObject({ text: playlistOf(13) });
  await channel.get(`${PATH}?_HLS_msn=0&_HLS_part=1&_HLS_skip=YES`);
  const asked = channel.origin.asked.filter((one) => one.includes("_HLS"));
  expect(asked).toEqual([`GET ${PATH}?_HLS_skip=YES`]);
});

test("while nobody waits for parts, segments are fetched, not parts", async () => {
  await using channel = await startChannel();
  const { asked } = channel.origin;
  await channel.get(PATH);
  await vi.waitFor(() => expect(asked).toContain("GET /live/cam/segment-0.m4s"));
  for (let part = 5; part < 8; part++) channel.advance();
  await vi.waitFor(() => expect(asked).toContain("GET /live/cam/segment-1.m4s"), 5_000);
  expect(await channel.get("/live/cam/segment-1.m4s")).toMatchObject({
    how: expect.stringMatching(/^hit/),
  });
  expect(asked.filter((one) => /part/.test(one))).toEqual([]);
});

test("with --follow=0 nothing is asked that no viewer asked for", async () => {
  await using channel = await startChannel(["--follow=0"]);
  await channel.get(PATH);
  channel.advance();
  await channel.get("/live/cam/part-5.m4s");
  expect(channel.origin.asked).toEqual([`GET ${PATH}`, "GET /live/cam/part-5.m4s"]);
});

test("playlists that name others, or do not change, are not followed", async () => {
  const multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n";
  const vod = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.m4s\n#EXT-X-ENDLIST\n";
  await using origin = await startOrigin(({ url }, response) =>
    response.setHeader("cache-control", "max-age=60").end(url === "/a.m3u8" ? multivariant : vod),
  );
  await using edge = await startEdge(origin.url);
  for (const path of ["/a.m3u8", "/b.m3u8", "/a.m3u8", "/b.m3u8"])
    await (await fetch(`http://127.0.0.1:${edge.addresses.port}${path}`)).text();
  expect(origin.asked).toEqual(["GET /a.m3u8", "GET /b.m3u8"]);
});
