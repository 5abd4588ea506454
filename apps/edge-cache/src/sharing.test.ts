/** What one client asks for, or is told, reaches no other one that it is not for. */
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "node:net";

import { expect, test } from "vitest";

import { startEdge, startOrigin } from "./edge-cache.testing.ts";

type Handler = Parameters<typeof startOrigin>[0];

async function startBoth(answer: Handler) {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await startOrigin(answer));
  const edge = stack.use(await startEdge(origin.url));
  const { port } = edge.addresses;
  const get = async (path: string, headers: Record<string, string> = {}, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
    const cookie = response.headers.get("set-cookie");
    return { status: response.status, cookie, text: await response.text() };
  };
  const owned = stack.move();
  return { origin, port, get, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test("an answer to a range is not one to those who ask for the whole", async () => {
  await using both = await startBoth((request, response) => {
    response.setHeader("cache-control", "max-age=60").setHeader("etag", '"e"');
    const { range } = request.headers;
    if (range === undefined) return response.end("0123456789");
    if (range === "bytes=99-")
      return response.writeHead(416, { "content-range": "bytes */10" }).end();
    return response.writeHead(206, { "content-range": "bytes 0-9/10" }).end("0123456789");
  });
  expect((await both.get("/a", { range: "bytes=99-" })).status).toBe(416);
  expect(await both.get("/a")).toMatchObject({ status: 200, text: "0123456789" });
  expect((await both.get("/b", { range: "bytes=0-" })).status).toBe(206);
  expect(await both.get("/b")).toMatchObject({ status: 200, text: "0123456789" });
});

test("a stored part stands in for nothing but itself, also when the origin fails", async () => {
  let isAway = false;
  await using both = await startBoth((request, response) => {
    if (isAway) return response.writeHead(503).end();
    response.setHeader("cache-control", "max-age=60").setHeader("etag", '"v1"');
    return response.writeHead(206, { "content-range": "bytes 5-9/10" }).end("56789");
  });
  await both.get("/1.m4s", { range: "bytes=5-9" });
  isAway = true;
  expect(await both.get("/1.m4s", { range: "bytes=6-7" })).toMatchObject({
    status: 206,
    text: "67",
  });
  for (const headers of [{}, { range: "bytes=0-6" }, { range: "bytes=99-" }])
    expect((await both.get("/1.m4s", headers as Record<string, string>)).status).toBe(503);
  const other = { range: "bytes=6-7", "if-range": '"v2"' };
  expect((await both.get("/1.m4s", other)).status).toBe(503);
});

test("If-Range reaches the origin: a client does not join two versions", async () => {
  await using both = await startBoth((request, response) => {
    const isCurrent = request.headers["if-range"] === '"v2"';
    response.setHeader("etag", '"v2"');
    if (isCurrent) response.writeHead(206, { "content-range": "bytes 2-3/4" });
    return response.end(isCurrent ? "cd" : "abcd");
  });
  const ask = { range: "bytes=2-3", "if-range": '"v1"' };
  expect(await both.get("/a", ask)).toMatchObject({ status: 200, text: "abcd" });
});

test("fields for one client are not given to others who wait", async () => {
  let count = 0;
  await using both = await startBoth(async (_request, response) => {
    await delay(100);
    response.setHeader("cache-control", 'max-age=60, private="set-cookie"');
    response.setHeader("set-cookie", `sid=${++count}`).end("x");
  });
  const cookies = (await Promise.all([both.get("/a"), both.get("/a")])).map(({ cookie }) => cookie);
  expect(cookies.toSorted()).toEqual(["sid=1", null].toSorted());
  expect((await both.get("/a")).cookie).toBeNull();
});

test("what a HEAD or a 304 says to one client alone is not stored", async () => {
  await using both = await startBoth((request, response) => {
    response.setHeader("etag", '"e"').setHeader("cache-control", "max-age=60");
    if (request.headers.authorization === undefined) return response.end("public");
    response.setHeader("cache-control", "private, max-age=60").setHeader("set-cookie", "sid=A");
    return response.writeHead(request.method === "HEAD" ? 200 : 304).end();
  });
  await both.get("/a");
  const own = { authorization: "A", "cache-control": "no-cache" };
  await both.get("/a", own, "HEAD");
  expect((await both.get("/a")).cookie).toBeNull();
  expect((await both.get("/a", own)).cookie).toBe("sid=A");
  expect(await both.get("/a")).toMatchObject({ status: 200, cookie: null, text: "public" });
});

test("the origin is left alone when all who wait have gone before it answers", async () => {
  const gone = Promise.withResolvers<void>();
  await using both = await startBoth((request) => void request.once("close", () => gone.resolve()));
  const sockets = [1, 2].map(() => connect(both.port, "127.0.0.1"));
  for (const socket of sockets) socket.write("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (both.origin.asked.length === 0) await delay(10);
  sockets[0]!.destroy();
  sockets[1]!.destroy();
  await gone.promise;
  expect(both.origin.asked).toHaveLength(1);
});
