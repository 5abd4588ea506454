/** Rules of RFC 5861, 8246, 9211 and 9213, over a real edge, where their texts say more than the tests of core/http. */
import { setTimeout as delay } from "node:timers/promises";

import { parseList } from "structured-headers";
import { describe, expect, test } from "vitest";

import { startBoth } from "./both.testing.ts";

type Fields = Readonly<Record<string, string>>;

/** An origin that answers with these fields and the number of the question, until it fails. */
async function startNumbered(fields: Fields) {
  const failure = { how: "none" as "none" | "cut" | number };
  let count = 0;
  const both = await startBoth((request, response) => {
    if (failure.how === "cut") return request.socket.destroy();
    if (typeof failure.how === "number") return response.writeHead(failure.how).end();
    for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
    return response.end(`v${++count}`);
  });
  return { ...both, failure, [Symbol.asyncDispose]: () => both[Symbol.asyncDispose]() };
}

describe("RFC 5861", () => {
  test("section 3: what could not be renewed behind a client's back is used as long as it may be", async () => {
    await using both = await startNumbered({
      "cache-control": "max-age=0, stale-while-revalidate=60",
    });
    await both.get("/a");
    both.failure.how = 503;
    for (let time = 0; time < 3; time++) {
      expect(await both.get("/a")).toMatchObject({ status: 200, text: "v1" });
      await delay(20);
    }
    both.failure.how = "none";
    while ((await both.get("/a")).text === "v1") await delay(10);
  });

  test("section 3: behind that time the origin is asked first", async () => {
    await using both = await startNumbered({
      "cache-control": "max-age=0, stale-while-revalidate=1",
    });
    await both.get("/a");
    await delay(1_100);
    expect((await both.get("/a")).text).toBe("v2");
  });

  test.each([
    ["a status", 503, "stale-if-error=60", 200],
    ["no answer", "cut", "stale-if-error=60", 200],
    ["no answer, and no such time", "cut", "stale-if-error=0", 502],
    ["a status, behind that time", 503, "stale-if-error=0", 503],
    ["a status, against must-revalidate", 503, "stale-if-error=60, must-revalidate", 503],
    ["a status, against no-cache", 503, "stale-if-error=60, no-cache", 503],
  ] as const)("section 4: an error is %s", async (_what, how, directive, status) => {
    await using both = await startNumbered({ "cache-control": `max-age=0, ${directive}` });
    await both.get("/a");
    await delay(20);
    both.failure.how = how;
    expect((await both.get("/a")).status).toBe(status);
  });

  test("section 4: a client may ask for it, too", async () => {
    await using both = await startNumbered({ "cache-control": "max-age=0", etag: '"e"' });
    await both.get("/a");
    both.failure.how = 500;
    expect((await both.get("/a")).status).toBe(500);
    const asked = { "cache-control": "stale-if-error=60" };
    expect((await both.get("/a", { headers: asked })).status).toBe(200);
  });
});

describe("RFC 8246", () => {
  test.each(["immutable", "immutable=1", "immutable, immutable"])(
    "%s: what is fresh is not asked about, what is stale is, as without it",
    async (immutable) => {
      await using both = await startNumbered({ "cache-control": `max-age=1, ${immutable}` });
      await both.get("/a");
      expect((await both.get("/a")).text).toBe("v1");
      const reload = { headers: { "cache-control": "no-cache" } };
      expect((await both.get("/a", reload)).text).toBe("v2");
      await delay(1_100);
      expect((await both.get("/a")).text).toBe("v3");
    },
  );

  test("alone it makes nothing fresh", async () => {
    await using both = await startNumbered({ "cache-control": "immutable" });
    await both.get("/a");
    expect((await both.get("/a")).text).toBe("v2");
  });
});

describe("RFC 9211", () => {
  const statusOf = ({ headers }: { headers: Headers }) => headers.get("cache-status");
  const parameters = (got: { headers: Headers }) => {
    const [last] = parseList(statusOf(got) ?? "").slice(-1);
    return last ? [last[0], Object.fromEntries(last[1])] : undefined;
  };

  test("section 2: it is a list, to which each cache adds itself behind", async () => {
    await using both = await startNumbered({
      "cache-status": 'Origin; hit; ttl=5, "CDN 1"; fwd=stale',
      "cache-control": "max-age=60",
    });
    await both.get("/a");
    const members = parseList(statusOf(await both.get("/a"))!);
    expect(members.map(([name]) => String(name))).toEqual(["Origin", "CDN 1", "edge-1"]);
    expect(Object.fromEntries(members[2]![1])).toMatchObject({ hit: true });
  });

  test("section 2: answers that this edge makes itself say nothing", async () => {
    await using both = await startNumbered({ "cache-control": "max-age=60" });
    const onlyIfCached = { headers: { "cache-control": "only-if-cached" } };
    const none = await both.get("/none", onlyIfCached);
    expect([none.status, statusOf(none)]).toEqual([504, null]);
    both.failure.how = "cut";
    const away = await both.get("/away");
    expect([away.status, statusOf(away)]).toEqual([502, null]);
  });

  test("section 2: those made from a stored one do", async () => {
    await using both = await startNumbered({ "cache-control": "max-age=60", etag: '"e"' });
    await both.get("/a");
    const asked = async (headers: Fields) => {
      const got = await both.get("/a", { headers: { "cache-control": "max-age=60", ...headers } });
      return [got.status, parameters(got)?.[1]];
    };
    const hit = expect.objectContaining({ hit: true }) as unknown;
    expect(await asked({ "if-none-match": '"e"' })).toEqual([304, hit]);
    expect(await asked({ range: "bytes=0-0" })).toEqual([206, hit]);
    expect(await asked({ range: "bytes=9-" })).toEqual([416, hit]);
  });

  test("section 2.2: the reason why the origin was asked, and its status; never beside a hit", async () => {
    await using both = await startBoth((request, response) => {
      const lifetimeS = request.url === "/stale" ? 0 : 60;
      response.setHeader("cache-control", `max-age=${lifetimeS}`).setHeader("etag", '"e"');
      response.setHeader("vary", "x-kind");
      if (request.headers["if-none-match"] !== undefined) return response.writeHead(304).end();
      if (request.headers.range === undefined) return response.end("0123456789");
      return response.writeHead(206, { "content-range": "bytes 0-4/10" }).end("01234");
    });
    const told = async (path: string, init?: RequestInit) => {
      const got = parameters(await both.get(path, init))![1] as Record<string, unknown>;
      expect(got).not.toHaveProperty("hit");
      return [String(got["fwd"]), got["fwd-status"], got["stored"] ?? false];
    };
    expect(await told("/a")).toEqual(["uri-miss", 200, true]);
    expect(await told("/a", { headers: { "x-kind": "b" } })).toEqual(["vary-miss", 200, true]);
    expect(await told("/a", { headers: { "cache-control": "no-cache" } })).toEqual([
      "request",
      304,
      true,
    ]);
    await both.get("/stale");
    expect(await told("/stale")).toEqual(["stale", 304, true]);
    expect(await told("/a", { method: "POST", body: "x" })).toEqual(["method", 200, false]);
    await both.get("/part", { headers: { range: "bytes=0-4" } });
    expect((await told("/part"))[0]).toBe("partial");
  });

  test("section 2.4: ttl is below 0 for what is stale", async () => {
    await using both = await startNumbered({
      "cache-control": "max-age=1, stale-while-revalidate=60",
    });
    await both.get("/a");
    await delay(1_100);
    const [, told] = parameters(await both.get("/a"))! as [unknown, { hit: boolean; ttl: number }];
    expect(told.hit && told.ttl < 0).toBe(true);
  });
});

describe("RFC 9213", () => {
  test.each([
    ["private of Cache-Control says nothing", "max-age=60", "private, max-age=0", true],
    ["nor does no-cache", "max-age=60", "no-cache", true],
    ["no-store counts", "no-store", "max-age=60", false],
    ["private counts", "private, max-age=60", "max-age=60", false],
    ["a lifetime of 0 counts", "max-age=0", "max-age=60", false],
    [
      "directives that nobody knows are passed over",
      "max-age=60, x=(1 2), y;z=1",
      "no-store",
      true,
    ],
    ["an empty field is none", "", "max-age=60", true],
    ["a malformed one is none", "max-age=60,,", "no-store", false],
  ])("section 2: %s", async (_what, targeted, cacheControl, isHit) => {
    await using both = await startNumbered({
      "cdn-cache-control": targeted,
      "cache-control": cacheControl,
      expires: "Thu, 01 Jan 1970 00:00:00 GMT",
    });
    await both.get("/a");
    const again = await both.get("/a");
    expect(again.how.startsWith("hit")).toBe(isHit);
    // Other caches behind this one have to see both.
    expect(again.headers.get("cdn-cache-control")).toBe(targeted);
    expect(again.headers.get("cache-control")).toBe(cacheControl);
  });

  test("section 2: Age counts as with Cache-Control", async () => {
    await using both = await startNumbered({ "cdn-cache-control": "max-age=60", age: "60" });
    await both.get("/a");
    expect((await both.get("/a")).text).toBe("v2");
  });

  test("section 2: one that comes with a 304 counts from then on", async () => {
    let isNew = false;
    await using both = await startBoth((request, response) => {
      response.setHeader("etag", '"e"').setHeader("cache-control", "max-age=0");
      if (isNew) response.setHeader("cdn-cache-control", "max-age=60");
      if (request.headers["if-none-match"] === '"e"') return response.writeHead(304).end();
      return response.end("body");
    });
    await both.get("/a");
    isNew = true;
    expect((await both.get("/a")).how).toBe("fwd=stale; fwd-status=304; stored");
    expect((await both.get("/a")).how).toMatch(/^hit/);
  });
});
