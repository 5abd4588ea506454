import { describe, expect, test } from "vitest";

import type { HelloFields, LinkMonitor } from "./link-monitor.ts";
import { hearHello, makeHello, newLinkMonitor } from "./link-monitor.ts";

const hello = (fields: Partial<HelloFields>): HelloFields => ({
  seq: 1,
  echoSeq: 0,
  echoDelayUs: 0,
  keysLastS: Infinity,
  padsLastS: Infinity,
  ...fields,
});

const hearAll = (seqs: readonly number[]): LinkMonitor =>
  seqs.reduce((known, seq) => hearHello(known, hello({ seq }), 0), newLinkMonitor(0));

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
  expect(a.roundTripsMs).toHaveLength(8);
  expect(b.rttMs).toBeCloseTo(14, 3);
});

test("an echo of a hello that was never sent measures nothing", () => {
  const monitor = hearHello(newLinkMonitor(0), hello({ echoSeq: 99 }), 10);
  expect(monitor.rttMs).toBeUndefined();
  expect(monitor.roundTripsMs).toEqual([]);
});

describe("loss", () => {
  test("is the share of hellos that did not come", () => {
    const every = (step: number) => Array.from({ length: 400 }, (_, at) => 1 + at * step);
    expect(hearAll(every(1)).lossShare).toBe(0);
    expect(hearAll(every(2)).lossShare).toBeCloseTo(0.5, 1);
    expect(hearAll(every(10)).lossShare).toBeGreaterThan(0.8);
  });

  test("is none where the first hello is a late one, one comes twice, or the neighbour began anew", () => {
    for (const seqs of [
      [40, 41],
      [1, 2, 2],
      [7, 8, 1],
      [1, 500],
    ])
      expect([seqs, hearAll(seqs).lossShare]).toEqual([seqs, 0]);
  });
});

test("neighbours tell each other of keys that last no longer than an hour", () => {
  const of = (keysLastS: number) =>
    makeHello({ ...newLinkMonitor(0), keysLastS }, 0).hello.keysLastS;
  expect([of(30), of(3_600), of(3_601)]).toEqual([30, 3_600, Infinity]);
  const heard = hearHello(newLinkMonitor(0), hello({ keysLastS: 30, padsLastS: 20 }), 0);
  expect([heard.theirKeysLastS, heard.theirPadsLastS]).toEqual([30, 20]);
});
