/** Priming by the admin API: what is asked of the origin, how fast, and what is told of it. */
import { setTimeout as delay } from "node:timers/promises";

import { expect, test } from "vitest";

import { ADMIN_TOKEN, adminCall } from "./edge-admin.testing.ts";
import { startEdge, startOrigin } from "./edge-cache.testing.ts";

type Handler = Parameters<typeof startOrigin>[0];

async function startBoth(answer: Handler, ...words: readonly string[]) {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await startOrigin(answer));
  const edge = stack.use(await startEdge(origin.url, [`--admin-token=${ADMIN_TOKEN}`, ...words]));
  const { port, adminPort } = edge.addresses;
  const owned = stack.move();
  const dispose = () => owned.disposeAsync();
  return { origin, port, adminPort, call: adminCall(adminPort), [Symbol.asyncDispose]: dispose };
}

const FRESH: Handler = (_request, response) =>
  response.setHeader("cache-control", "max-age=60").end("media");

function media(...uris: readonly string[]): string {
  const segments = uris.map((uri) => `#EXTINF:2,\n${uri}\n`);
  return `#EXTM3U\n#EXT-X-TARGETDURATION:60\n#EXT-X-MAP:URI="init.mp4"\n${segments.join("")}`;
}

const PLAYLISTS: Readonly<Record<string, string>> = {
  "/live/c/index.m3u8":
    '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="audio.m3u8"\n' +
    '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nvideo.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nindex.m3u8\n' +
    "#EXT-X-STREAM-INF:BANDWIDTH=3\nhttp://elsewhere/live/c/video.m3u8\n",
  "/live/c/video.m3u8": media("1.m4s", "2.m4s", "3.m4s", "4.m4s", "//elsewhere/5.m4s"),
  "/live/c/audio.m3u8": `${media("a1.m4s", "a2.m4s", "a3.m4s", "a4.m4s")}#EXT-X-ENDLIST\n`,
};

const CHANNEL: Handler = ({ url = "" }, response) => {
  response.setHeader("cache-control", url.endsWith("3.m4s") ? "no-store" : "max-age=60");
  if (url.endsWith("4.m4s")) return response.writeHead(404).end();
  return response.end(PLAYLISTS[url] ?? "media");
};

test("a playlist is followed to what players ask for next, on this origin; what was seeded is asked for again", async () => {
  await using both = await startBoth(CHANNEL);
  const paths = ["/live/c/index.m3u8", "/page?a=1", "/live/c/1.m4s"];
  const answer = await both.call("Prime", { paths, idempotencyKey: "k" });
  const expected = ["index.m3u8", "1.m4s", "video.m3u8", "audio.m3u8", "init.mp4"]
    .concat(["3.m4s", "4.m4s", "a1.m4s", "a2.m4s", "a3.m4s", "a4.m4s"])
    .map((name) => `GET /live/c/${name}`);
  expect(both.origin.asked.toSorted()).toEqual(["GET /page?a=1", ...expected].toSorted());
  expect(answer).toMatchObject({ objects: 10, replayed: false });
  expect(answer["priming"]).toMatchObject({
    state: "PRIMING_STATE_DONE",
    objectsFound: 12,
    objectsFetched: 10,
    objectsFailed: 2,
    failures: [
      { path: "/live/c/4.m4s", reason: "the origin answers with status 404" },
      { path: "/live/c/a4.m4s", reason: "the origin answers with status 404" },
    ],
    objectsValidated: 10,
    // Those that the origin lets nobody store are none.
    hits: 8,
  });
  const asked = both.origin.asked.length;
  const hit = await fetch(`http://127.0.0.1:${both.port}/live/c/a1.m4s`);
  expect(hit.headers.get("cache-status")).toMatch(/"edge-1"; hit/);
  expect(both.origin.asked).toHaveLength(asked);
  const again = await both.call("Prime", { paths, idempotencyKey: "k" });
  expect(again).toEqual({ ...answer, replayed: true });
  expect(both.origin.asked).toHaveLength(asked);
  const other = await both.call("Prime", { paths: ["/b"], idempotencyKey: "k" });
  expect(other).toMatchObject({ code: "invalid_argument" });
});

test("at most four at a time", async () => {
  let atATime = 0;
  let most = 0;
  await using both = await startBoth(async (_request, response) => {
    most = Math.max(most, ++atATime);
    await delay(200);
    atATime--;
    response.setHeader("cache-control", "max-age=60").end("x");
  }, "--prime-rate=1000");
  const paths = Array.from({ length: 12 }, (_, at) => `/${at}`);
  await both.call("Prime", { paths, idempotencyKey: "k" });
  expect(most).toBe(4);
});

test("no faster than the caller wishes, and than the edge allows", async () => {
  const atMs: number[] = [];
  await using both = await startBoth((_request, response) => {
    atMs.push(performance.now());
    response.setHeader("cache-control", "max-age=60").end("x");
  }, "--prime-rate=20");
  const paths = (name: string) => Array.from({ length: 5 }, (_, at) => `/${name}${at}`);
  const tookMs = () => atMs.at(-1)! - atMs.splice(0)[0]!;
  await both.call("Prime", { paths: paths("a"), perSecond: 5, idempotencyKey: "a" });
  expect(tookMs()).toBeGreaterThan(700);
  await both.call("Prime", { paths: paths("b"), perSecond: 1_000, idempotencyKey: "b" });
  expect(tookMs()).toBeGreaterThan(150);
  for (const perSecond of [-1, "NaN"])
    expect(
      await both.call("Prime", { paths: ["/c"], perSecond, idempotencyKey: `c${perSecond}` }),
    ).toMatchObject({ code: "invalid_argument" });
  expect(atMs).toEqual([]);
});

test("an address that is no path of the origin is refused before anything is asked", async () => {
  await using both = await startBoth(FRESH);
  for (const path of ["http://elsewhere/a", "/a/../b", "//elsewhere/a", ""]) {
    const answer = await both.call("Prime", { paths: ["/a", path], idempotencyKey: path || "k" });
    expect(answer).toMatchObject({ code: "invalid_argument" });
  }
  const many = { paths: Array.from({ length: 10_001 }, (_, at) => `/${at}`), idempotencyKey: "m" };
  expect(await both.call("Prime", many)).toMatchObject({
    message: "paths: got 10001, expected at most 10000",
  });
  expect(await both.call("Prime", { idempotencyKey: "n" })).toMatchObject({
    message: 'path: got "", expected that of a playlist',
  });
  expect(both.origin.asked).toEqual([]);
});

test("without the one path that was asked for, a priming fails, and may be tried again", async () => {
  let isThere = false;
  await using both = await startBoth((_request, response) =>
    response.writeHead(isThere ? 200 : 404).end(media("1.m4s")),
  );
  const asked = { path: "/live/c/v.m3u8", idempotencyKey: "k" };
  expect(await both.call("Prime", asked)).toEqual({
    code: "not_found",
    message: "/live/c/v.m3u8: the origin answers with status 404",
  });
  await delay(300);
  isThere = true;
  expect(await both.call("Prime", asked)).toMatchObject({ objects: 3, replayed: false });
});

test("in the background it goes on by itself and tells how; others wait in a queue that has an end", async () => {
  const held = Promise.withResolvers<void>();
  await using both = await startBoth(async (_request, response) => {
    await held.promise;
    response.setHeader("cache-control", "max-age=60").end("x");
  });
  const begin = (key: string) =>
    both.call("Prime", { paths: [`/${key}`], background: true, idempotencyKey: key });
  const stateOf = async (idempotencyKey: string) => {
    const { priming } = await both.call("GetPriming", { idempotencyKey });
    return (priming as { state: string }).state;
  };
  expect(await begin("0")).toMatchObject({ objects: 0 });
  for (let key = 1; key <= 8; key++) await begin(`${key}`);
  expect(await begin("9")).toMatchObject({ code: "resource_exhausted" });
  expect(await stateOf("0")).toBe("PRIMING_STATE_FETCHING");
  expect(await stateOf("8")).toBe("PRIMING_STATE_QUEUED");
  expect(both.origin.asked).toEqual(["GET /0"]);
  held.resolve();
  while ((await stateOf("8")) !== "PRIMING_STATE_DONE") await delay(20);
  const { priming } = await both.call("GetPriming", { idempotencyKey: "8" });
  expect(priming).toMatchObject({ objectsFetched: 1, hits: 1, bytes: "1" });
  expect(await both.call("GetPriming", { idempotencyKey: "9" })).toMatchObject({
    code: "not_found",
  });
});

test("who waits with the key of a caller that goes does it instead", async () => {
  let isHeld = true;
  await using both = await startBoth((_request, response) => {
    if (!isHeld) response.setHeader("cache-control", "max-age=60").end("x");
  });
  const abort = new AbortController();
  const asked = { paths: ["/a"], idempotencyKey: "k" };
  const first = both.call("Prime", asked, abort.signal);
  while (both.origin.asked.length === 0) await delay(10);
  const second = both.call("Prime", asked);
  await delay(100);
  isHeld = false;
  abort.abort();
  await expect(first).rejects.toThrow();
  expect(await second).toMatchObject({ objects: 1, replayed: false });
  expect(both.origin.asked).toEqual(["GET /a", "GET /a"]);
});

test("a caller that goes ends its priming: the origin is left alone", async () => {
  const gone = Promise.withResolvers<void>();
  await using both = await startBoth((request) => void request.once("close", () => gone.resolve()));
  const abort = new AbortController();
  const paths = Array.from({ length: 100 }, (_, at) => `/${at}`);
  const call = both.call("Prime", { paths, idempotencyKey: "k" }, abort.signal);
  while (both.origin.asked.length < 4) await delay(10);
  abort.abort();
  await expect(call).rejects.toThrow();
  await gone.promise;
  const state = async () => (await both.call("GetPriming", { idempotencyKey: "k" }))["priming"];
  while (!/FAILED/.test(JSON.stringify(await state()))) await delay(10);
  expect(await state()).toMatchObject({ failure: "the caller has gone, or the edge stops" });
  expect(both.origin.asked.length).toBeLessThan(10);
});
