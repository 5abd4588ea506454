import { simulatedClock } from "@glassline/service/clock/testing";
import { createMetrics } from "@glassline/service/metrics";
import { expect, test } from "vitest";

import type { Found, NotYet } from "./channels/channel.ts";
import { HeldRequests } from "./held-requests.ts";
import { originMetrics } from "./metrics.ts";

const FOUND: Found = {
  body: Buffer.from("x"),
  contentType: "text/plain",
  cacheControl: "no-cache",
};
const STAYING = new AbortController().signal;

function open(heldMax = 2) {
  const clock = simulatedClock();
  const metrics = originMetrics(createMetrics("origin"));
  const held = new HeldRequests({ clock, metrics, heldMax });
  const counted = async () => {
    const { values } = await metrics.holds.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
  };
  const waiting = async () => (await metrics.held.get()).values[0]?.value ?? 0;
  /** What exists after a time. */
  const after = (lengthMs: number, timeLimitMs = 6_000) => {
    const existsFromMs = clock.nowMs() + lengthMs;
    const notYet: NotYet = { what: "part", existsFromMs, timeLimitMs };
    return () => (clock.nowMs() >= existsFromMs ? FOUND : notYet);
  };
  return { clock, held, counted, waiting, after };
}

test("a request is answered as soon as what it wants exists", async () => {
  const { clock, held, counted, waiting, after } = open();
  let answer: unknown;
  const answered = held.answer(after(500.3), STAYING).then((value) => (answer = value));
  await clock.advance(500);
  expect(answer).toBeUndefined();
  expect(await waiting()).toBe(1);
  await clock.advance(1);
  await answered;
  expect(answer).toBe(FOUND);
  expect(await waiting()).toBe(0);
  expect(await counted()).toEqual({ answered: 1 });
});

test("what is there, or will never be, is not waited for", async () => {
  const { held, counted } = open();
  expect(await held.answer(() => FOUND, STAYING)).toBe(FOUND);
  expect(await held.answer(() => undefined, STAYING)).toBeUndefined();
  expect(await counted()).toEqual({});
});

test("a request waits no longer than its limit", async () => {
  const { clock, held, counted, after } = open();
  const answered = held.answer(after(10_000, 6_000), STAYING);
  await clock.advance(6_000);
  expect(await answered).toBe("late");
  expect(await counted()).toEqual({ late: 1 });
});

test("no more wait than the limit says", async () => {
  const { clock, held, counted, waiting, after } = open(2);
  const first = [1, 2].map(() => held.answer(after(100), STAYING));
  expect(await held.answer(after(100), STAYING)).toBe("full");
  expect(await waiting()).toBe(2);
  await clock.advance(100);
  expect(await Promise.all(first)).toEqual([FOUND, FOUND]);
  expect(await counted()).toEqual({ answered: 2, full: 1 });
});

test("a client that leaves is let go", async () => {
  const { held, counted, waiting, after } = open();
  const leaving = new AbortController();
  const answered = held.answer(after(100), leaving.signal);
  leaving.abort();
  expect(await answered).toBe("left");
  expect(await waiting()).toBe(0);
  expect(await counted()).toEqual({ left: 1 });
});

test("what turns out never to exist is not found", async () => {
  const { clock, held, after } = open();
  const find = after(100);
  const answered = held.answer(() => (find() === FOUND ? undefined : find()), STAYING);
  await clock.advance(100);
  expect(await answered).toBeUndefined();
});
