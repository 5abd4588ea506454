/** Large objects, whose viewers do not all read, while memory is short. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { expect, test } from "vitest";

import { startBoth } from "./both.testing.ts";

const MIB = 1_048_576;
const CHUNK = Buffer.alloc(MIB / 4, "x");

async function sendAll(response: ServerResponse, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes && !response.destroyed; sent += CHUNK.length)
    if (!response.write(CHUNK)) await Promise.race([once(response, "drain"), delay(10_000)]);
  response.end();
}

async function bytesOf(url: string): Promise<number> {
  const response = await fetch(url);
  let bytes = 0;
  for await (const chunk of response.body!) bytes += chunk.length;
  return bytes;
}

/** Asks, and never reads. */
function stall(port: number, path: string) {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  socket.pause();
  return socket;
}

test("a viewer who does not read holds up nobody who does", async () => {
  await using both = await startBoth(
    async (_request, response) => {
      response.writeHead(200, { "cache-control": "max-age=60" });
      // All viewers are there before it grows.
      await delay(200);
      await sendAll(response, 48 * MIB);
    },
    ["--memory=4MiB"],
  );
  const stalled = stall(both.port, "/large");
  while (both.origin.asked.length === 0) await delay(5);
  const all = await Promise.all([bytesOf(`${both.base}/large`), bytesOf(`${both.base}/large`)]);
  expect(all).toEqual([48 * MIB, 48 * MIB]);
  expect(both.origin.asked).toHaveLength(1);
  expect(await both.metric('edge_in_flight_shortages_total{reason="reader_cut"')).toBe(1);
  expect(await both.metric("edge_origin_failures_total")).toBe(0);
  stalled.destroy();
});

test("a moment without memory sends no crowd to the origin: what has no room yet waits for it", async () => {
  const rest = Promise.withResolvers<void>();
  await using both = await startBoth(
    async (_request, response) => {
      response.writeHead(200, { "cache-control": "max-age=60", "content-length": 2 * MIB });
      response.write(Buffer.alloc(MIB));
      if (both.origin.asked.length === 1) await rest.promise;
      response.end(Buffer.alloc(MIB));
    },
    ["--in-flight-memory=1MiB"],
  );
  const first = bytesOf(`${both.base}/first`);
  while (both.origin.asked.length < 1) await delay(5);
  const crowd = Array.from({ length: 20 }, () => bytesOf(`${both.base}/wanted`));
  while (both.origin.asked.length < 2) await delay(5);
  rest.resolve();
  expect(await Promise.all([first, ...crowd])).toEqual(Array(21).fill(2 * MIB));
  expect(both.origin.asked).toEqual(["GET /first", "GET /wanted"]);
  expect(await both.metric("edge_in_flight_shortages_total")).toBe(0);
});

test("while memory is short large objects are passed on and not kept, then refused; small ones always go", async () => {
  const [more, rest] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using both = await startBoth(
    async (request, response) => {
      const bytes = request.url === "/first" ? 8 * MIB : request.url === "/small" ? 1_000 : 2 * MIB;
      response.writeHead(200, { "cache-control": "max-age=60", "content-length": bytes });
      if (request.url !== "/first") return response.end(Buffer.alloc(bytes));
      response.write(Buffer.alloc(1.5 * MIB));
      await more.promise;
      response.write(Buffer.alloc(1.5 * MIB));
      await rest.promise;
      return response.end(Buffer.alloc(5 * MIB));
    },
    ["--in-flight-memory=1MiB"],
  );
  const inFlight = async (mib: number) => {
    while ((await both.metric("edge_in_flight_bytes")) !== mib * MIB) await delay(50);
  };
  const counted = (reason: string) =>
    both.metric(`edge_in_flight_shortages_total{reason="${reason}"`);
  const first = bytesOf(`${both.base}/first`);
  await inFlight(1.5);
  const passed = await both.get("/passed");
  expect([passed.status, passed.text.length]).toEqual([200, 2 * MIB]);
  expect(passed.how).toBe("fwd=uri-miss; fwd-status=200");
  more.resolve();
  await inFlight(3);
  const refused = await both.get("/refused");
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect((await both.get("/small")).how).toBe("fwd=uri-miss; fwd-status=200; stored");
  expect([await counted("not_kept"), await counted("refused")]).toEqual([2, 1]);
  rest.resolve();
  expect(await first).toBe(8 * MIB);
  expect((await both.get("/first")).how).toMatch(/^hit/);
  await inFlight(0);
});
