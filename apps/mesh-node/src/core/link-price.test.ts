import { describe, expect, test } from "vitest";

import type { LinkMonitor } from "./link-monitor.ts";
import { newLinkMonitor } from "./link-monitor.ts";
import { KEYS_RESERVE_S, hasMoved, linkPrice, qualityOf } from "./link-price.ts";
import { INFINITE_METRIC } from "./routing/distance.ts";

const priceOf = (quality: Partial<LinkMonitor>) =>
  linkPrice({ ...newLinkMonitor(0), ...quality }, "b");

describe("the price of a link", () => {
  test("is a hop, its round trip in steps of 5 ms, and its loss", () => {
    expect(priceOf({})).toBe(100);
    expect(priceOf({ roundTripsMs: [40, 14, 15] })).toBe(150);
    expect(priceOf({ lossShare: 0.1 })).toBe(100);
    // 200 * -ln(.5) = 138.6
    expect(priceOf({ lossShare: 0.5 })).toBe(225);
    expect(priceOf({ roundTripsMs: [40, 14, 15], lossShare: 0.5 })).toBe(275);
  });

  test("rises ever faster as its keys run out, at whichever end, and is too high for all before they do", () => {
    expect(priceOf({ keysLastS: 100_000 })).toBe(100);
    expect(priceOf({ keysLastS: 300 })).toBe(125);
    expect(priceOf({ theirKeysLastS: 300 })).toBe(125);
    expect(priceOf({ keysLastS: 60 })).toBe(325);
    expect(priceOf({ keysLastS: 25 })).toBe(675);
    expect(priceOf({ keysLastS: KEYS_RESERVE_S - 1 })).toBe(INFINITE_METRIC);
    const prices = Array.from({ length: 600 }, (_, at) => priceOf({ keysLastS: 620 - at }));
    expect(prices).toEqual(prices.toSorted((a, b) => a - b));
  });

  test("rises as its one-time pads run out, and is never too high for all: messages wait for them", () => {
    expect(priceOf({ padsLastS: 300 })).toBe(125);
    expect(priceOf({ theirPadsLastS: 60, keysLastS: 300 })).toBe(325);
    expect(priceOf({ padsLastS: 0 })).toBe(100 + 25 * 599);
  });
});

describe("a link is priced anew", () => {
  const moved = (priced: Partial<LinkMonitor>, now: Partial<LinkMonitor>) =>
    hasMoved(
      qualityOf({ ...newLinkMonitor(0), ...priced }),
      qualityOf({ ...newLinkMonitor(0), ...now }),
    );

  test("when its round trip has moved by much and by a good share", () => {
    expect(moved({}, { roundTripsMs: [0, 50] })).toBe(false);
    expect(moved({}, { roundTripsMs: [3] })).toBe(true);
    expect(moved({ roundTripsMs: [4.9] }, { roundTripsMs: [5.1] })).toBe(false);
    expect(moved({ roundTripsMs: [1] }, { roundTripsMs: [3] })).toBe(false);
    expect(moved({ roundTripsMs: [1] }, { roundTripsMs: [4] })).toBe(true);
    expect(moved({ roundTripsMs: [100] }, { roundTripsMs: [110] })).toBe(false);
    expect(moved({ roundTripsMs: [100] }, { roundTripsMs: [70] })).toBe(true);
  });

  test("when it loses more, and not for one lost hello", () => {
    expect(moved({}, { lossShare: 0.06 })).toBe(true);
    expect(moved({}, { lossShare: 0.04 })).toBe(false);
  });

  test("when its keys begin to be scarce, last a fifth shorter, come to the reserve, or are back", () => {
    expect(moved({}, { keysLastS: 5_000 })).toBe(false);
    expect(moved({}, { keysLastS: 500 })).toBe(true);
    expect(moved({ keysLastS: 500 }, { keysLastS: 450 })).toBe(false);
    expect(moved({ keysLastS: 500 }, { keysLastS: 390 })).toBe(true);
    expect(moved({ keysLastS: 20 }, { keysLastS: 19.5 })).toBe(true);
    expect(moved({ keysLastS: 0 }, { keysLastS: 0 })).toBe(false);
    expect(moved({ keysLastS: 0 }, {})).toBe(true);
    expect(moved({ padsLastS: 10 }, { padsLastS: 9 })).toBe(false);
    expect(moved({ padsLastS: 10 }, { padsLastS: 7 })).toBe(true);
    expect(moved({ padsLastS: 0.5 }, { padsLastS: 0 })).toBe(false);
  });
});
