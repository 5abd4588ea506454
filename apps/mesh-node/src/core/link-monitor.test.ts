import { expect, test } from "vitest";

import { hearHello, makeHello, newLinkMonitor, roundTripPrice } from "./link-monitor.ts";

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
  expect(roundTripPrice(a)).toBe(150);
});

test("an echo of a hello that was never sent measures nothing", () => {
  const monitor = hearHello(newLinkMonitor(0), { seq: 1, echoSeq: 99, echoDelayUs: 0 }, 10);
  expect(monitor.rttMs).toBeUndefined();
  expect(monitor.heardMs).toBe(10);
});
