import { expect, test } from "vitest";

import { createStallMeter } from "./stall-meter.ts";

test("waiting for the first picture is no stall", () => {
  const meter = createStallMeter();
  meter.waits(0);
  expect(meter.isStalled()).toBe(false);
  meter.moves(900);
  expect(meter.stalls(1_000)).toEqual({ count: 0, totalMs: 0 });
});

test("stalls are counted once each, and their time grows while they last", () => {
  const meter = createStallMeter();
  meter.moves(0);
  meter.waits(1_000);
  meter.waits(1_200);
  expect(meter.stalls(1_500)).toEqual({ count: 1, totalMs: 500 });
  meter.moves(2_000);
  meter.waits(5_000);
  meter.moves(5_250);
  expect(meter.stalls(9_000)).toEqual({ count: 2, totalMs: 1_250 });
});

test("a pause ends a stall and is none itself", () => {
  const meter = createStallMeter();
  meter.moves(0);
  meter.waits(100);
  meter.rests(300);
  expect(meter.isStalled()).toBe(false);
  expect(meter.stalls(60_000)).toEqual({ count: 1, totalMs: 200 });
});
