import { setTimeout as delay } from "node:timers/promises";

import { expect, test } from "vitest";

import { startBoth } from "./both.testing.ts";
import type { TestOrigin } from "./edge-cache.testing.ts";

const MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.m4s\n";

const countOf = ({ asked }: TestOrigin, request: string) =>
  asked.filter((one) => one === request).length;

test("a hundred who want the same object cost one fetch", async () => {
  await using both = await startBoth(async (_request, response) => {
    await delay(100);
    response.setHeader("cache-control", "max-age=60").end("segment");
  });
  const all = await Promise.all(Array.from({ length: 100 }, () => both.get("/live/cam/1.m4s")));
  expect(new Set(all.map(({ text }) => text))).toEqual(new Set(["segment"]));
  expect(both.origin.asked).toHaveLength(1);
  expect(all.filter(({ how }) => how === "fwd=uri-miss; fwd-status=200; stored")).toHaveLength(1);
  expect(all.filter(({ how }) => how.endsWith("collapsed"))).toHaveLength(99);
  const hit = await both.get("/live/cam/1.m4s");
  expect(hit.how).toMatch(/^hit; ttl=[1-6]\d$/);
  expect(hit.headers.get("age")).toMatch(/^\d+$/);
});

test("an object that is still growing reaches all who wait for it as it grows", async () => {
  const grown = Promise.withResolvers<void>();
  await using both = await startBoth(async (_request, response) => {
    response.writeHead(200, { "cache-control": "max-age=60" });
    response.write("first ");
    await grown.promise;
    response.end("second");
  });
  const readers = await Promise.all(
    Array.from({ length: 5 }, async () =>
      (await fetch(`${both.base}/live/cam/2.m4s`)).body!.getReader(),
    ),
  );
  const firsts = await Promise.all(readers.map(async (reader) => (await reader.read()).value));
  expect(firsts.map((chunk) => Buffer.from(chunk!).toString())).toEqual(Array(5).fill("first "));
  const late = both.get("/live/cam/2.m4s");
  grown.resolve();
  const seconds = await Promise.all(readers.map(async (reader) => (await reader.read()).value));
  expect(seconds.map((chunk) => Buffer.from(chunk!).toString())).toEqual(Array(5).fill("second"));
  expect((await late).text).toBe("first second");
  expect(both.origin.asked).toHaveLength(1);
});

test("an answer for one is not given to others", async () => {
  await using both = await startBoth(async (request, response) => {
    await delay(50);
    response.setHeader("cache-control", "private").end(request.headers["cookie"]);
  });
  const names = ["a=1", "a=2", "a=3"];
  const all = await Promise.all(names.map((cookie) => both.get("/me", { headers: { cookie } })));
  expect(all.map(({ text }) => text)).toEqual(names);
  expect(all.every(({ how }) => how === "fwd=uri-miss; fwd-status=200")).toBe(true);
});

test("a failure of the origin is shared by viewers who wait, and not kept", async () => {
  await using both = await startBoth(async (_request, response) => {
    await delay(50);
    response.writeHead(503, { "cache-control": "max-age=60" }).end();
  });
  const path = "/live/cam/v.m3u8";
  const all = await Promise.all([both.get(path), both.get(path), both.get(path)]);
  expect(all.map(({ status }) => status)).toEqual([503, 503, 503]);
  expect(both.origin.asked).toHaveLength(1);
});

test("when the origin is away, segments are served stale, and playlists never are", async () => {
  let isAway = false;
  await using both = await startBoth((request, response) => {
    if (isAway) return request.socket.destroy();
    response.setHeader("cache-control", "max-age=1");
    return response.end(request.url === "/v.m3u8" ? MEDIA : "segment");
  });
  await Promise.all(["/v.m3u8", "/1.m4s", "/page"].map((path) => both.get(path)));
  isAway = true;
  await delay(1_100);
  const [playlist, segment, page] = await Promise.all(
    ["/v.m3u8", "/1.m4s", "/page"].map((path) => both.get(path)),
  );
  expect([playlist!.status, segment!.status, page!.status]).toEqual([502, 200, 200]);
  expect(playlist!.text).toBe(
    '{"code":"unavailable","message":"the origin gives no answer (broken)"}',
  );
  expect(segment).toMatchObject({ text: "segment", how: "fwd=stale" });
  expect(Number(segment!.headers.get("age"))).toBeGreaterThan(0);
});

test.each([
  ["a media playlist", MEDIA],
  ["a multivariant playlist", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"],
])("%s is never served stale, whatever the origin allows (RFC 5861)", async (_what, text) => {
  let isFailing = false;
  let version = 0;
  await using both = await startBoth(
    (_request, response) => {
      if (isFailing) return response.writeHead(503).end();
      response.setHeader(
        "cache-control",
        "max-age=1, stale-while-revalidate=60, stale-if-error=60",
      );
      return response.end(`${text}# ${++version}\n`);
    },
    ["--follow=0"],
  );
  expect((await both.get("/v.m3u8")).text).toBe(`${text}# 1\n`);
  await delay(1_100);
  expect((await both.get("/v.m3u8")).text).toBe(`${text}# 2\n`);
  await delay(1_100);
  isFailing = true;
  expect((await both.get("/v.m3u8")).status).toBe(503);
});

test("what has become stale is asked about; 304 makes it fresh, with its news", async () => {
  let version = 1;
  await using both = await startBoth((request, response) => {
    response
      .setHeader("etag", '"e"')
      .setHeader("cache-control", "max-age=3, stale-while-revalidate=0");
    response.setHeader("x-version", version++);
    if (request.headers["if-none-match"] === '"e"') return response.writeHead(304).end();
    return response.end("body");
  });
  expect((await both.get("/a")).headers.get("x-version")).toBe("1");
  await delay(3_100);
  const validated = await both.get("/a");
  expect(validated).toMatchObject({
    status: 200,
    text: "body",
    how: "fwd=stale; fwd-status=304; stored",
  });
  expect(validated.headers.get("x-version")).toBe("2");
  // Otherwise fetch says no-cache with its own conditions.
  const asked = { "if-none-match": 'W/"e"', "cache-control": "max-age=60" };
  const hit = await both.get("/a", { headers: asked });
  expect([hit.status, hit.how.slice(0, 3)]).toEqual([304, "hit"]);
});

test("stale-while-revalidate answers at once, and asks behind the client's back", async () => {
  const released = Promise.withResolvers<void>();
  let version = 0;
  await using both = await startBoth(async (_request, response) => {
    const cacheControl = "max-age=1, stale-while-revalidate=600";
    if (version > 0) await released.promise;
    response.setHeader("cache-control", cacheControl).end(`v${++version}`);
  });
  await both.get("/a");
  await delay(1_100);
  // The origin does not answer as long as these wait.
  const stale = await Promise.all([both.get("/a"), both.get("/a")]);
  expect(stale.map(({ text }) => text)).toEqual(["v1", "v1"]);
  expect(stale[0]!.how).toMatch(/^hit; ttl=-/);
  while (both.origin.asked.length < 2) await delay(10);
  released.resolve();
  while ((await both.get("/a")).text === "v1") await delay(10);
});

test("what an unsafe request changed is forgotten, and no older answer brings it back", async () => {
  let value = "old";
  await using both = await startBoth(async (request, response) => {
    response.setHeader("cache-control", "max-age=60");
    if (request.method === "PUT") {
      for await (const chunk of request) value = String(chunk);
      return response.setHeader("location", "/list").writeHead(201).end();
    }
    const then = value;
    if (request.url === "/slow") await delay(300);
    return response.end(then);
  });
  const paths = ["/list", "/item"];
  await Promise.all(paths.map((path) => both.get(path)));
  const slow = both.get("/slow");
  await delay(50);
  expect((await both.get("/item", { method: "PUT", body: "new" })).how).toBe(
    "fwd=method; fwd-status=201",
  );
  expect((await both.get("/slow", { method: "PUT", body: "new" })).status).toBe(201);
  const after = await Promise.all(paths.map((path) => both.get(path)));
  expect(after.map(({ text }) => text)).toEqual(["new", "new"]);
  expect((await slow).text).toBe("old");
  expect((await both.get("/slow")).text).toBe("new");
});

test("ranges are served from the whole; parts are stored, and together become the whole", async () => {
  const bytes = "0123456789";
  const ranges: (string | undefined)[] = [];
  await using both = await startBoth((request, response) => {
    const { range } = request.headers;
    ranges.push(range);
    response.setHeader("cache-control", "max-age=60").setHeader("etag", '"e"');
    const [, first = "0", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
    if (range === undefined) return response.end(bytes);
    const end = last === "" ? bytes.length - 1 : Number(last);
    response.setHeader("content-range", `bytes ${first}-${end}/${bytes.length}`);
    return response.writeHead(206).end(bytes.slice(Number(first), end + 1));
  });
  const get = (path: string, range?: string) => both.get(path, range ? { headers: { range } } : {});
  await get("/whole");
  expect(await get("/whole", "bytes=2-4")).toMatchObject({ status: 206, text: "234" });
  expect((await get("/whole", "bytes=2-4")).headers.get("content-range")).toBe("bytes 2-4/10");
  expect(await get("/whole", "bytes=20-")).toMatchObject({ status: 416 });
  expect(await get("/whole", "bytes=0-1,3-4")).toMatchObject({ status: 200, text: bytes });
  expect(await get("/part", "bytes=0-4")).toMatchObject({ status: 206, text: "01234" });
  expect(await get("/part", "bytes=1-2")).toMatchObject({
    status: 206,
    text: "12",
    how: "hit; ttl=59",
  });
  expect(await get("/part", "bytes=5-")).toMatchObject({ status: 206, text: "56789" });
  const whole = await get("/part");
  expect(whole).toMatchObject({ status: 200, text: bytes });
  expect(whole.how).toMatch(/^hit/);
  expect(whole.headers.get("content-length")).toBe("10");
  expect(ranges).toEqual([undefined, "bytes=0-4", "bytes=5-"]);
});

test("an answer that is cut off is cut off for viewers, and not stored", async () => {
  await using both = await startBoth((_request, response) => {
    response.writeHead(200, { "cache-control": "max-age=60", "content-length": 100 });
    response.write("half");
    setTimeout(() => response.destroy(), 50);
  });
  for (let time = 0; time < 2; time++) await expect(both.get("/a.m4s")).rejects.toThrow();
  expect(countOf(both.origin, "GET /a.m4s")).toBe(2);
});

test("when the last client of an answer that is not stored goes, the origin is left alone", async () => {
  const gone = Promise.withResolvers<void>();
  await using both = await startBoth((_request, response) => {
    response.writeHead(200, { "cache-control": "no-store" });
    const timer = setInterval(() => response.write("x".repeat(1_000)), 10);
    response.once("close", () => (clearInterval(timer), gone.resolve()));
  });
  const abort = new AbortController();
  const response = await fetch(`${both.base}/endless`, { signal: abort.signal });
  await response.body!.getReader().read();
  abort.abort();
  await gone.promise;
});

test("HEAD is answered from the store, and tells whether that is still right", async () => {
  let length = 5;
  await using both = await startBoth((_request, response) => {
    response.setHeader("cache-control", "max-age=3").setHeader("content-length", length);
    response.end("x".repeat(length));
  });
  await both.get("/a");
  expect(await both.get("/a", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
  expect(both.origin.asked).toEqual(["GET /a"]);
  await delay(3_100);
  length = 6;
  const asked = await both.get("/a", { method: "HEAD" });
  expect(asked.headers.get("content-length")).toBe("6");
  expect((await both.get("/a")).text).toHaveLength(6);
});

test("a HEAD about the same content makes it fresh, with its news; about other content, stale (RFC 9111 section 4.3.5)", async () => {
  let etag = '"v1"';
  let lifetimeS = 1;
  await using both = await startBoth((request, response) => {
    response.setHeader("cache-control", `max-age=${lifetimeS}`).setHeader("etag", etag);
    response.setHeader("x-news", `${request.method} ${lifetimeS}`).end("body");
  });
  await both.get("/a");
  await delay(1_100);
  lifetimeS = 60;
  await both.get("/a", { method: "HEAD" });
  const renewed = await both.get("/a");
  expect(renewed).toMatchObject({ status: 200, text: "body" });
  expect([renewed.how.slice(0, 4), renewed.headers.get("x-news")]).toEqual(["hit;", "HEAD 60"]);
  etag = '"v2"';
  await both.get("/a", { method: "HEAD", headers: { "cache-control": "no-cache" } });
  expect((await both.get("/a")).how).toBe("fwd=stale; fwd-status=200; stored");
});

test("a HEAD without a validator says nothing of the content", async () => {
  await using both = await startBoth((_request, response) =>
    response.setHeader("cache-control", "max-age=60").end("body"),
  );
  await both.get("/a");
  await both.get("/a", { method: "HEAD", headers: { "cache-control": "no-cache" } });
  expect((await both.get("/a")).how).toMatch(/^hit/);
});

test("a playlist is not read to its end when all who wanted it have gone", async () => {
  const gone = Promise.withResolvers<void>();
  await using both = await startBoth((_request, response) => {
    response.writeHead(200, { "cache-control": "max-age=60" });
    const timer = setInterval(() => response.write("#EXTM3U\n"), 10);
    response.once("close", () => (clearInterval(timer), gone.resolve()));
  });
  const aborts = [new AbortController(), new AbortController()];
  const all = aborts.map(({ signal }) => fetch(`${both.base}/v.m3u8`, { signal }));
  while (both.origin.asked.length === 0) await delay(10);
  await delay(50);
  for (const abort of aborts) abort.abort();
  await Promise.allSettled(all);
  await gone.promise;
  expect(both.origin.asked).toHaveLength(1);
});

test("who has gone while another's answer was waited for asks no question of its own", async () => {
  const released = Promise.withResolvers<void>();
  await using both = await startBoth(async (request, response) => {
    if (request.url === "/v.m3u8") await released.promise;
    response.setHeader("cache-control", "no-store").end(MEDIA);
  });
  const first = both.get("/v.m3u8");
  while (both.origin.asked.length === 0) await delay(5);
  const abort = new AbortController();
  const second = fetch(`${both.base}/v.m3u8`, { signal: abort.signal });
  await both.get("/before");
  abort.abort();
  await expect(second).rejects.toThrow();
  await both.get("/behind");
  released.resolve();
  expect((await first).text).toBe(MEDIA);
  await both.get("/end");
  expect(countOf(both.origin, "GET /v.m3u8")).toBe(1);
});

test.each(["with its length", "in chunks"])(
  "a playlist that is too large to be read is passed on (%s)",
  async (how) => {
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:4\n${"#EXTINF:4,\na.ts\n".repeat(150_000)}`;
    await using both = await startBoth(
      (_request, response) => {
        if (how === "in chunks") response.write(text.slice(0, 10));
        else response.setHeader("content-length", text.length);
        response.end(how === "in chunks" ? text.slice(10) : text);
      },
      ["--object-size=1MiB"],
    );
    expect((await both.get("/a.m3u8")).text).toHaveLength(text.length);
  },
);
