/** Playlists that name ranges of resources: of segments that grow by their parts, and of one file that grows by its segments. */
import type { ServerResponse } from "node:http";

import { expect, test, vi } from "vitest";

import { startBoth } from "../both.testing.ts";
import { ADMIN_TOKEN, adminCall } from "../edge-admin.testing.ts";

const PART_BYTES = 1_000;
const OPEN_END = Number.MAX_SAFE_INTEGER;

/** Bytes that say where they are. */
const bytesOf = (first: number, end: number) =>
  Array.from({ length: end - first }, (_, at) =>
    String.fromCharCode(97 + ((first + at) % 23)),
  ).join("");

const partBytes = (part: number) => bytesOf(part * PART_BYTES, (part + 1) * PART_BYTES);
const rangeOfPart = (part: number) => `bytes=${part * PART_BYTES}-${(part + 1) * PART_BYTES - 1}`;

function livePlaylist(parts: number): string {
  const named = Array.from(
    { length: parts },
    (_, at) =>
      `#EXT-X-PART:DURATION=0.5,URI="8.m4s",BYTERANGE="${PART_BYTES}@${at * PART_BYTES}"\n`,
  );
  return `#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-MEDIA-SEQUENCE:7
#EXTINF:2,
7.m4s
${named.join("")}#EXT-X-PRELOAD-HINT:TYPE=PART,URI="8.m4s",BYTERANGE-START=${parts * PART_BYTES}
`;
}

/** One segment under way; its resource is sent as it grows (RFC 8216bis section 6.2.6). */
async function startGrowing() {
  const state = { parts: 1 };
  const growing: { response: ServerResponse; sent: number }[] = [];
  const waiting: (() => void)[] = [];
  const send = () => {
    for (const each of growing) {
      while (each.sent < state.parts) each.response.write(partBytes(each.sent++));
      if (state.parts === 4) each.response.end();
    }
  };
  const ranges: string[] = [];
  const both = await startBoth((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://origin");
    response.setHeader("cache-control", "max-age=60").setHeader("etag", '"8"');
    if (request.headers.range !== undefined) ranges.push(`${pathname} ${request.headers.range}`);
    if (pathname === "/8.m4s") {
      growing.push({ response, sent: 0 });
      return send();
    }
    if (pathname !== "/v.m3u8") return response.end("segment");
    const wanted = searchParams.has("_HLS_msn") ? Number(searchParams.get("_HLS_part")) + 1 : 0;
    const answer = () => response.end(livePlaylist(state.parts));
    if (state.parts >= wanted) return answer();
    return waiting.push(answer);
  });
  const advance = () => {
    state.parts++;
    send();
    for (const answer of waiting.splice(0)) answer();
  };
  return { both, ranges, advance };
}

test("a segment that grows by its parts is asked for once; players get each part's range as it comes", async () => {
  const { both, ranges, advance } = await startGrowing();
  await using _both = both;
  const { asked } = both.origin;
  const times = () => asked.filter((one) => one === "GET /8.m4s").length;
  const part = async (at: number) => {
    const got = await both.get("/8.m4s", { headers: { range: rangeOfPart(at) } });
    return `${got.status} ${got.headers.get("content-range")} ${got.text === partBytes(at)}`;
  };
  await both.get("/v.m3u8");
  await both.get("/v.m3u8?_HLS_msn=8&_HLS_part=0");
  await vi.waitFor(() => expect(times()).toBe(1));
  expect(await part(0)).toBe("206 bytes 0-999/* true");
  const next = [part(1), part(1)];
  const hinted = fetch(`${both.base}/8.m4s`, { headers: { range: `bytes=1000-${OPEN_END}` } });
  advance();
  const open = await hinted;
  expect([open.status, open.headers.get("content-range")]).toEqual([
    206,
    `bytes 1000-${OPEN_END}/*`,
  ]);
  const reader = open.body!.getReader();
  for (const one of await Promise.all(next)) expect(one).toBe("206 bytes 1000-1999/* true");
  expect((await reader.read()).value).toHaveLength(PART_BYTES);
  advance();
  advance();
  let rest = "";
  for (let got = await reader.read(); !got.done; got = await reader.read())
    rest += Buffer.from(got.value).toString();
  expect(rest).toBe(bytesOf(2_000, 4_000));
  await vi.waitFor(async () => expect(await part(3)).toBe("206 bytes 3000-3999/4000 true"));
  expect((await both.get("/8.m4s", { headers: { range: rangeOfPart(2) } })).how).toMatch(/^hit/);
  expect(times()).toBe(1);
  expect(ranges).toEqual([]);
});

test("the range that is hinted at makes the edge ask for the whole that it is of, before it does so by itself", async () => {
  const { both, ranges, advance } = await startGrowing();
  await using _both = both;
  await both.get("/v.m3u8");
  await vi.waitFor(() => expect(both.origin.asked).toContain("GET /7.m4s"));
  const got = both.get("/8.m4s", { headers: { range: rangeOfPart(1) } });
  await vi.waitFor(() => expect(both.origin.asked).toContain("GET /8.m4s"));
  advance();
  expect(await got).toMatchObject({ status: 206, text: partBytes(1) });
  expect(ranges).toEqual([]);
});

test("of one file that grows by its segments, what is new is asked for once, and is no 416", async () => {
  const state = { segments: 2 };
  const playlist = () => {
    const named = Array.from(
      { length: state.segments },
      (_, at) => `#EXTINF:1,\n#EXT-X-BYTERANGE:1000@${at * PART_BYTES}\nall.mp4\n`,
    );
    return `#EXTM3U\n#EXT-X-TARGETDURATION:1\n${named.join("")}`;
  };
  const ranges: string[] = [];
  await using both = await startBoth((request, response) => {
    response.setHeader("cache-control", "max-age=60").setHeader("etag", `"${state.segments}"`);
    if (request.url === "/v.m3u8") return response.end(playlist());
    const all = bytesOf(0, state.segments * PART_BYTES);
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    ranges.push(request.headers.range ?? "whole");
    if (first === undefined) return response.end(all);
    const range = `bytes ${first}-${last}/${all.length}`;
    const bytes = all.slice(Number(first), Number(last) + 1);
    return response.writeHead(206, { "content-range": range }).end(bytes);
  });
  const segment = (at: number) => both.get("/all.mp4", { headers: { range: rangeOfPart(at) } });
  expect((await both.get("/all.mp4")).text).toHaveLength(2_000);
  await both.get("/v.m3u8");
  await both.get("/v.m3u8");
  expect(await segment(1)).toMatchObject({ status: 206, text: partBytes(1) });
  state.segments++;
  await vi.waitFor(async () => expect((await both.get("/v.m3u8")).text).toContain("@2000"), 5_000);
  const both3 = await Promise.all([segment(2), segment(2)]);
  for (const got of both3) expect(got).toMatchObject({ status: 206, text: partBytes(2) });
  expect((await segment(2)).how).toMatch(/^hit/);
  expect(ranges.filter((range) => range === rangeOfPart(2))).toHaveLength(1);
  expect(ranges.filter((range) => range === "whole")).toHaveLength(1);
});

test("what is far ahead of the bytes that have come is asked for by itself", async () => {
  const bytes = 3_000_000;
  const sending: ServerResponse[] = [];
  await using both = await startBoth((request, response) => {
    response.setHeader("cache-control", "max-age=60").setHeader("etag", '"1"');
    const { range } = request.headers;
    if (range === undefined) {
      sending.push(response);
      response.setHeader("content-length", bytes).write("x".repeat(1_000));
      return undefined;
    }
    return response.writeHead(206, { "content-range": `bytes 2900000-2900001/${bytes}` }).end("yz");
  });
  const whole = both.get("/film.mp4");
  await vi.waitFor(() => expect(sending).toHaveLength(1));
  const near = both.get("/film.mp4", { headers: { range: "bytes=990-1009" } });
  const far = await both.get("/film.mp4", { headers: { range: "bytes=2900000-2900001" } });
  expect(far).toMatchObject({ status: 206, text: "yz" });
  sending[0]!.end("w".repeat(bytes - 1_000));
  expect(await near).toMatchObject({ status: 206, text: "x".repeat(10) + "w".repeat(10) });
  expect((await near).headers.get("content-range")).toBe(`bytes 990-1009/${bytes}`);
  expect((await whole).text).toHaveLength(bytes);
  expect(both.origin.asked).toHaveLength(2);
});

test("a priming fetches a resource once, of which a playlist names ranges", async () => {
  const playlist = `#EXTM3U
#EXT-X-TARGETDURATION:1
#EXT-X-MAP:URI="all.mp4",BYTERANGE="100@0"
#EXTINF:1,
#EXT-X-BYTERANGE:900@100
all.mp4
#EXTINF:1,
#EXT-X-BYTERANGE:1000
all.mp4
#EXT-X-ENDLIST
`;
  const text = bytesOf(0, 2_000);
  await using both = await startBoth(
    ({ url }, response) => {
      response.setHeader("cache-control", "max-age=60");
      response.end(url === "/v.m3u8" ? playlist : text);
    },
    [`--admin-token=${ADMIN_TOKEN}`],
  );
  await adminCall(both.adminPort)("Prime", { path: "/v.m3u8", idempotencyKey: "one" });
  const got = await both.get("/all.mp4", { headers: { range: "bytes=1000-1999" } });
  expect(got).toMatchObject({
    status: 206,
    text: text.slice(1_000),
    how: expect.stringMatching(/^hit/),
  });
  expect(both.origin.asked).toEqual(["GET /v.m3u8", "GET /all.mp4"]);
});
