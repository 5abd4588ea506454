import { setTimeout as delay } from "node:timers/promises";

import { expect, test } from "vitest";

import { startBoth } from "../both.testing.ts";
import { QuestionQueue } from "./question-queue.ts";

const WANTED = new AbortController().signal;

test("so many questions go at a time; the others wait in order, and no more than may wait", async () => {
  const queue = new QuestionQueue(1);
  const leave = await queue.enter(false, WANTED);
  const entered: number[] = [];
  const waiting = Array.from({ length: 16 }, async (_, number) => {
    const leave = await queue.enter(false, WANTED);
    entered.push(number);
    leave();
  });
  expect(queue.counts).toEqual({ short: 1, long: 0, waiting: 16 });
  await expect(queue.enter(false, WANTED)).rejects.toMatchObject({ reason: "busy" });
  leave();
  // Who leaves twice gives no place of another one away.
  leave();
  await Promise.all(waiting);
  expect(entered).toEqual(Array.from({ length: 16 }, (_, number) => number));
  expect(queue.counts).toEqual({ short: 0, long: 0, waiting: 0 });
});

test("held questions have places of their own, and so has what takes long", async () => {
  const queue = new QuestionQueue(1);
  for (let held = 0; held < 4; held++) await queue.enter(true, WANTED);
  void queue.enter(true, WANTED);
  const leave = await queue.enter(false, WANTED);
  expect(queue.counts).toEqual({ short: 1, long: 4, waiting: 1 });
  leave();
  const slow = new QuestionQueue(1);
  const leaveSlow = await slow.enter(false, WANTED);
  await slow.enter(false, WANTED);
  expect(slow.counts).toEqual({ short: 1, long: 1, waiting: 0 });
  leaveSlow();
  expect(slow.counts).toEqual({ short: 1, long: 0, waiting: 0 });
});

test("who is wanted no more waits no more", async () => {
  const queue = new QuestionQueue(1);
  await queue.enter(false, WANTED);
  const abort = new AbortController();
  const waiting = queue.enter(false, abort.signal);
  abort.abort();
  await expect(waiting).rejects.toThrow("nobody waits");
  await expect(queue.enter(false, abort.signal)).rejects.toThrow("nobody waits");
  expect(queue.counts.waiting).toBe(0);
});

test("viewers are told to come again when too many questions wait, which says nothing of the origin", async () => {
  const released = Promise.withResolvers<void>();
  await using both = await startBoth(
    async (_request, response) => {
      await released.promise;
      response.end("body");
    },
    ["--origin-connections=1"],
  );
  const all = Array.from({ length: 18 }, (_, number) => both.get(`/${number}`));
  const refused = await Promise.race(all);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(refused.headers.get("cache-status")).toBeNull();
  expect(await both.metric('edge_origin_failures_total{reason="busy"')).toBe(1);
  released.resolve();
  const statuses = (await Promise.all(all)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(17);
});

test("blocking reloads that the origin holds stop no ordinary question", async () => {
  const released = Promise.withResolvers<void>();
  await using both = await startBoth(
    async (request, response) => {
      if (request.url?.includes("_HLS_msn")) await released.promise;
      response.end("#EXTM3U\n");
    },
    ["--origin-connections=1"],
  );
  const held = Array.from({ length: 6 }, (_, number) => both.get(`/v.m3u8?_HLS_msn=${number}`));
  while (both.origin.asked.length < 4) await delay(5);
  expect((await both.get("/1.m4s")).status).toBe(200);
  expect(both.origin.asked).toHaveLength(5);
  released.resolve();
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual(Array(6).fill(200));
});

test("a question whose client leaves, or whose answer fails, gives its place back", async () => {
  await using both = await startBoth(
    (request, response) => {
      if (request.url === "/cut") return request.socket.destroy();
      if (request.url === "/half") {
        response.writeHead(200, { "content-length": 100 }).write("half");
        return setTimeout(() => response.destroy(), 20);
      }
      return request.url === "/never" ? undefined : response.end("body");
    },
    ["--origin-connections=1"],
  );
  for (let time = 0; time < 6; time++) {
    expect((await both.get("/cut")).status).toBe(502);
    await expect(both.get("/half")).rejects.toThrow();
    await both.get("/missing", { method: "HEAD" });
    const abort = new AbortController();
    const never = fetch(`${both.base}/never`, { signal: abort.signal });
    const asked = both.origin.asked.length;
    while (both.origin.asked.length === asked) await delay(5);
    abort.abort();
    await expect(never).rejects.toThrow();
  }
  expect((await both.get("/fine")).text).toBe("body");
});
