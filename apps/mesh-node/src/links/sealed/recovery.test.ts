import { describe, expect, test } from "vitest";

import { Recovery } from "./recovery.ts";

const PACKET = 1_000;

/** Packets 0 to `count` - 1, a millisecond apart; the content of each is its number. */
function sending(count: number, rttMs = 50): Recovery<number> {
  const recovery = new Recovery<number>(PACKET, rttMs);
  for (let number = 0; number < count; number++) recovery.sent(number, PACKET, number, number);
  return recovery;
}

const ack = (first: number, last = first, delayMs = 0) => ({
  largest: last,
  delayMs,
  ranges: [[first, last]] as const,
});

describe("recovery (RFC 9002)", () => {
  test("what is acknowledged makes room, once", () => {
    const recovery = sending(10);
    expect(recovery.room).toBe(0);
    expect(recovery.acknowledged(ack(0, 3), 60).acked).toEqual([0, 1, 2, 3]);
    expect(recovery.acknowledged(ack(0, 3), 61).acked).toEqual([]);
    expect(recovery.room).toBe(8 * PACKET);
  });

  test("the round trip is that of the newest, without what the other end held back", () => {
    const recovery = sending(10);
    recovery.acknowledged(ack(0), 40);
    expect(recovery.rttMs).toBe(40);
    recovery.acknowledged(ack(1, 5, 8), 5 + 56);
    expect(recovery.rttMs).toBeCloseTo(40 + (48 - 40) / 8);
  });

  test("three later ones that have come make one lost, or a time", () => {
    const recovery = sending(10);
    expect(recovery.acknowledged(ack(3, 4), 50).lost).toEqual([0, 1]);
    expect(recovery.dueMs).toBeLessThan(70);
    expect(recovery.timeout(recovery.dueMs).lost).toEqual([2]);
    expect(recovery.dueMs).toBeGreaterThan(70);
  });

  test("losses of one round trip halve the window once", () => {
    const recovery = sending(10);
    const before = recovery.window;
    recovery.acknowledged(ack(4), 50);
    const halved = recovery.window;
    expect(halved).toBeLessThan(before);
    recovery.acknowledged(ack(9), 51);
    expect(recovery.window).toBe(halved);
  });

  test("a window that is used grows, one that is not does not", () => {
    const used = sending(10);
    const before = used.window;
    used.acknowledged(ack(0, 9), 60);
    expect(used.window).toBe(2 * before);
    const idle = sending(2);
    idle.acknowledged(ack(0, 1), 60);
    expect(idle.window).toBe(before);
  });

  test("when nothing comes, a probe may go whatever is under way, later each time", () => {
    const recovery = sending(10);
    const pauses: number[] = [];
    let nowMs = 9;
    for (let probes = 0; probes < 3; probes++) {
      pauses.push(recovery.dueMs - nowMs);
      nowMs = recovery.dueMs;
      expect(recovery.timeout(nowMs).lost).toEqual([probes]);
      expect(recovery.room).toBeGreaterThanOrEqual(PACKET);
      recovery.sent(100 + probes, PACKET, 100 + probes, nowMs);
      expect(recovery.room).toBe(0);
    }
    expect(pauses[1]).toBeCloseTo(2 * pauses[0]!);
    expect(pauses[2]).toBeCloseTo(4 * pauses[0]!);
  });

  test("when nothing came for long, all is lost, and it begins small again", () => {
    const recovery = sending(10);
    for (let probes = 0; probes < 3; probes++) recovery.timeout(recovery.dueMs);
    expect(recovery.timeout(recovery.dueMs).lost).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect([recovery.window, recovery.room]).toEqual([2 * PACKET, 2 * PACKET]);
    expect(recovery.dueMs).toBe(Infinity);
  });
});
