import { expect, test } from "vitest";

import { hasMoved, hearHello, makeHello, newLinkMonitor, roundTripPrice } from "./link-monitor.ts";

test("two neighbours measure the round trip from each other's hellos, whatever the pause between them", () => {
  let [a, b] = [newLinkMonitor(0), newLinkMonitor(0)];
  const oneWayMs = 7;
  for (let nowMs = 0; nowMs < 5_000; nowMs += 250) {
    const fromA = makeHello(a, nowMs);
    a = fromA.monitor;
    b = hearHello(b, fromA.hello, nowMs + oneWayMs);
    const fromB = makeHello(b, nowMs + 100);
    b = fromB.monitor;
    a = hearHello(a, fromB.hello, nowMs + 100 + oneWayMs);
  }
  expect(a.rttMs).toBeCloseTo(14, 3);
  expect(b.rttMs).toBeCloseTo(14, 3);
  expect(roundTripPrice(a, "b")).toBe(150);
});

test("an echo of a hello that was never sent measures nothing", () => {
  const monitor = hearHello(newLinkMonitor(0), { seq: 1, echoSeq: 99, echoDelayUs: 0 }, 10);
  expect(monitor.rttMs).toBeUndefined();
});

test("a round trip has moved when it has by much and by a good share", () => {
  expect(hasMoved(undefined, undefined)).toBe(false);
  expect(hasMoved(undefined, 0)).toBe(true);
  expect(hasMoved(4.9, 5.1)).toBe(false);
  expect(hasMoved(1, 3)).toBe(false);
  expect(hasMoved(1, 4)).toBe(true);
  expect(hasMoved(100, 110)).toBe(false);
  expect(hasMoved(100, 70)).toBe(true);
});
