/** An edge with a disk behind its memory, started again. */
import { expect, test } from "vitest";

import { startEdge, startOrigin } from "./edge-cache.testing.ts";
import { newFolder } from "./stores/disk/disk.testing.ts";

const TOKEN = "secret";
const SERVICE = "glassline.edge.v1alpha1.EdgeCacheService";
const VOD = "#EXTM3U\n#EXT-X-TARGETDURATION:60\n#EXTINF:2,\n1.m4s\n#EXT-X-ENDLIST\n";
const PATHS = ["/1.m4s", "/2.m4s", "/page", "/vod.m3u8"];

async function startAll() {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await newFolder());
  const state = { isAway: false };
  const origin = stack.use(
    await startOrigin(({ url = "" }, response) => {
      if (state.isAway) return response.destroy();
      const tag = url === "/1.m4s" ? "one" : "other";
      response.setHeader("cache-control", "max-age=3600").setHeader("cache-tag", tag);
      response.end(url === "/vod.m3u8" ? VOD : `body of ${url}`);
    }),
  );
  const words = [`--disk=${folder.path}`, `--admin-token=${TOKEN}`];
  let edge = await startEdge(origin.url, words);
  stack.defer(() => edge[Symbol.asyncDispose]());
  const owned = stack.move();
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${edge.addresses.port}${path}`, init);
    const how = response.headers.get("cache-status")?.split("; ")[1] ?? "";
    return { status: response.status, text: await response.text(), how };
  };
  const call = async (method: string, body: object) => {
    const base = `http://127.0.0.1:${edge.addresses.adminPort}`;
    const headers = { "content-type": "application/json", authorization: `Bearer ${TOKEN}` };
    const about = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(`${base}/${SERVICE}/${method}`, about);
    return (await response.json()) as Record<string, unknown>;
  };
  return {
    state,
    get,
    call,
    restart: async () => {
      await edge[Symbol.asyncDispose]();
      edge = await startEdge(origin.url, words);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test("what was stored is served after a restart without the origin: whole, in ranges, and as 304", async () => {
  await using all = await startAll();
  for (const path of PATHS) await all.get(path);
  await all.get("/live.m3u8");
  await all.restart();
  all.state.isAway = true;
  expect(await all.get("/1.m4s")).toEqual({ status: 200, text: "body of /1.m4s", how: "hit" });
  expect(await all.get("/vod.m3u8")).toMatchObject({ status: 200, text: VOD });
  const range = { headers: { range: "bytes=8-" } };
  expect(await all.get("/2.m4s", range)).toMatchObject({ status: 206, text: "/2.m4s" });
  expect(await all.get("/page", { method: "HEAD" })).toMatchObject({ status: 200, how: "hit" });
  expect(await all.get("/never")).toMatchObject({ status: 502 });
  const status = await all.call("GetStatus", {});
  expect(status).toMatchObject({ diskObjects: 4, diskMaxBytes: String(4 * 2 ** 30) });
  expect(Number(status["diskBytes"])).toBeGreaterThan(500);
});

test.each([
  ["an address", { path: "/1.m4s" }],
  ["a tag", { tag: "one" }],
  ["a prefix", { prefix: "/1" }],
])("what was purged by %s stays purged after a restart", async (_what, target) => {
  await using all = await startAll();
  for (const path of PATHS) await all.get(path);
  await all.restart();
  const purged = await all.call("Purge", { ...target, idempotencyKey: "k" });
  if ("path" in target) expect(purged).toMatchObject({ objects: 1 });
  await all.restart();
  all.state.isAway = true;
  expect((await all.get("/1.m4s")).status).toBe(502);
  expect((await all.get("/2.m4s")).status).toBe(200);
});

test("what was purged softly is asked about after a restart, and used while the origin is away", async () => {
  await using all = await startAll();
  await all.get("/1.m4s");
  await all.restart();
  await all.call("Purge", { path: "/1.m4s", soft: true, idempotencyKey: "k" });
  await all.restart();
  all.state.isAway = true;
  expect(await all.get("/1.m4s")).toMatchObject({ status: 200, how: "fwd=stale" });
  all.state.isAway = false;
  expect((await all.get("/1.m4s")).how).toMatch(/^fwd=stale/);
});

test("two edges do not use one folder", async () => {
  await using folder = await newFolder();
  await using one = await startEdge("http://127.0.0.1:1", [`--disk=${folder.path}`]);
  await expect(startEdge("http://127.0.0.1:1", [`--disk=${folder.path}`])).rejects.toThrow(
    /--disk: .* is used by another edge/,
  );
  expect(one.addresses.port).toBeGreaterThan(0);
});
