/** Which parameters of addresses reach key and origin. */
import { expect, test, vi } from "vitest";

import { startBoth } from "./both.testing.ts";

const LIVE = `#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES
#EXT-X-MEDIA-SEQUENCE:7
#EXTINF:2,
7.m4s?v=2
`;

/** What it answers depends on the whole address. */
const startEchoing = (words: readonly string[] = []) =>
  startBoth(({ url = "" }, response) => {
    response.setHeader("cache-control", "max-age=60").end(`${LIVE}# ${url}\n`);
  }, words);

test("playlists and segments of any origin depend on their whole query, but for what players tell of themselves", async () => {
  await using both = await startEchoing(["--follow=0"]);
  const [one, two] = [await both.get("/seg.m4s?v=1"), await both.get("/seg.m4s?v=2")];
  expect(one.text).not.toBe(two.text);
  const told = await both.get("/seg.m4s?v=2&CMCD=sid%3D%22x%22&access_token=mine");
  expect(told).toMatchObject({ text: two.text, how: expect.stringMatching(/^hit/) });
  await both.get("/v.m3u8?_HLS_msn=8&sig=a%2Fb");
  expect(both.origin.asked).toEqual([
    "GET /seg.m4s?v=1",
    "GET /seg.m4s?v=2",
    "GET /v.m3u8?sig=a%2Fb&_HLS_msn=8",
  ]);
});

test("a crowd whose queries are all different is one where they are ignored", async () => {
  await using both = await startEchoing(["--ignore-query=*", "--follow=0"]);
  for (let viewer = 0; viewer < 5; viewer++) {
    await both.get(`/seg.m4s?viewer=${viewer}`);
    await both.get(`/v.m3u8?viewer=${viewer}&_HLS_msn=8`);
    await both.get(`/poster.jpg?viewer=${viewer}`);
  }
  expect(both.origin.asked).toEqual(["GET /seg.m4s", "GET /v.m3u8?_HLS_msn=8", "GET /poster.jpg"]);
});

test("a playlist is followed with its query, to segments with theirs", async () => {
  await using both = await startEchoing(["--ignore-query=utm_source", "--ignore-query=utm_medium"]);
  await both.get("/v.m3u8?sig=x&utm_source=news&utm_medium=mail");
  await vi.waitFor(() =>
    expect(new Set(both.origin.asked)).toEqual(new Set(["GET /v.m3u8?sig=x", "GET /7.m4s?v=2"])),
  );
  expect((await both.get("/7.m4s?v=2&utm_source=page")).how).toMatch(/^hit/);
});

test("an unsafe request changes what its address means, without what is ignored", async () => {
  await using both = await startEchoing(["--follow=0", "--ignore-query=utm_source"]);
  await both.get("/seg.m4s?v=1&utm_source=a");
  expect((await both.get("/seg.m4s?v=1")).how).toMatch(/^hit/);
  await both.get("/seg.m4s?utm_source=b", { method: "DELETE" });
  expect((await both.get("/seg.m4s?v=1")).how).toMatch(/^hit/);
  await both.get("/seg.m4s?utm_source=b&v=1", { method: "DELETE" });
  expect((await both.get("/seg.m4s?v=1")).how).not.toMatch(/^hit/);
});
