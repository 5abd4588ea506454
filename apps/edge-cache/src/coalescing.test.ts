/** Who asks for the same object while it is asked for, or while it comes. */
import { setTimeout as delay } from "node:timers/promises";

import { expect, test } from "vitest";

import { startBoth } from "./both.testing.ts";

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

test("a crowd for each of two variants costs a fetch each, while the first one is on its way too", async () => {
  const released = Promise.withResolvers<void>();
  await using both = await startBoth(async (request, response) => {
    const variant = String(request.headers["x-variant"]);
    await delay(300);
    response.writeHead(200, { "cache-control": "max-age=60", vary: "x-variant" });
    response.write(variant);
    if (variant === "a") await released.promise;
    response.end();
  });
  const get = (variant: string) => both.get("/page", { headers: { "x-variant": variant } });
  const first = get("a");
  while (both.origin.asked.length === 0) await delay(5);
  const crowd = await Promise.all(times(50, () => get("b")));
  expect(new Set(crowd.map(({ text }) => text))).toEqual(new Set(["b"]));
  const late = times(10, () => get("a"));
  await delay(50);
  released.resolve();
  expect((await Promise.all([first, ...late])).map(({ text }) => text)).toEqual(
    times(11, () => "a"),
  );
  expect(both.origin.asked).toHaveLength(2);
});

test("who asks for a variant that nobody else wants waits for one other question at most", async () => {
  await using both = await startBoth(async (request, response) => {
    await delay(100);
    response.setHeader("cache-control", "max-age=60").setHeader("vary", "x-variant");
    response.end(request.headers["x-variant"]);
  });
  const all = await Promise.all(
    times(20, (at) => both.get("/page", { headers: { "x-variant": String(at) } })),
  );
  expect(all.map(({ text }) => text)).toEqual(times(20, String));
  expect(both.origin.asked).toHaveLength(20);
});

test("answers that each say something else of what they depend on are waited for a few times only", async () => {
  const released = Promise.withResolvers<void>();
  let count = 0;
  await using both = await startBoth(async (_request, response) => {
    const vary = count++ % 2 === 0 ? "x-one" : "x-two";
    await delay(20);
    response.writeHead(200, { "cache-control": "max-age=60", vary }).write("text");
    await released.promise;
    response.end();
  });
  const all = times(12, (at) =>
    both.get("/page", { headers: { "x-one": String(at), "x-two": String(at % 3) } }),
  );
  while (both.origin.asked.length < 3) await delay(5);
  await delay(200);
  released.resolve();
  expect((await Promise.all(all)).every(({ text }) => text === "text")).toBe(true);
});

test("who comes while an answer comes has it as long as it is fresh, with its age; then the origin is asked again, once", async () => {
  const released = Promise.withResolvers<void>();
  let version = 0;
  await using both = await startBoth(async (_request, response) => {
    const text = `v${++version}`;
    if (version > 1) await delay(200);
    response.writeHead(200, { "cache-control": "max-age=13", age: "10" });
    response.write(text);
    if (text === "v1") await released.promise;
    response.end();
  });
  const ageOf = ({ headers }: Response) => Number(headers.get("age"));
  const first = await fetch(`${both.base}/page`);
  await delay(1_200);
  const fresh = await fetch(`${both.base}/page`);
  expect(ageOf(first)).toBe(10);
  expect(ageOf(fresh)).toBeGreaterThanOrEqual(11);
  await delay(2_000);
  const late = await Promise.all(times(20, () => both.get("/page")));
  expect(new Set(late.map(({ text }) => text))).toEqual(new Set(["v2"]));
  released.resolve();
  expect(await Promise.all([first.text(), fresh.text()])).toEqual(["v1", "v1"]);
  expect(both.origin.asked).toHaveLength(2);
});

test("a crowd that wants the same range costs one fetch; one beyond the end stops nobody who wants the whole from sharing", async () => {
  const bytes = "0123456789";
  await using both = await startBoth(async (request, response) => {
    const { range } = request.headers;
    await delay(300);
    response.setHeader("cache-control", "max-age=60");
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    if (first === undefined) return response.end(bytes);
    if (Number(first) >= bytes.length) return response.writeHead(416).end();
    response.setHeader("content-range", `bytes ${first}-${last}/${bytes.length}`);
    return response.writeHead(206).end(bytes.slice(Number(first), Number(last) + 1));
  });
  const get = (range: string) => both.get("/1.m4s", { headers: { range } });
  const others = get("bytes=4-6");
  const same = await Promise.all(times(50, () => get("bytes=1-3")));
  expect(new Set(same.map(({ status, text }) => `${status} ${text}`))).toEqual(
    new Set(["206 123"]),
  );
  expect((await others).text).toBe("456");
  expect(both.origin.asked).toHaveLength(2);
  expect((await get("bytes=50-60")).status).toBe(416);
  const whole = await Promise.all(times(20, () => both.get("/1.m4s")));
  expect(new Set(whole.map(({ text }) => text))).toEqual(new Set([bytes]));
  expect(both.origin.asked).toHaveLength(4);
});
