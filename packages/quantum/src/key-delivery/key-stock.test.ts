import { describe, expect, test } from "vitest";

import { KeyStockMeter, keysLastS } from "./key-stock.ts";

const USE = { everyMs: 120_000, restMs: 60_000 };

describe("a stock of keys", () => {
  test("tells how many are made, whatever is taken meanwhile", () => {
    const meter = new KeyStockMeter();
    expect(meter.saw(100, undefined, 0)).toEqual({ keys: 100, madePerS: 0, qber: undefined });
    meter.took(5);
    expect(meter.saw(105, 0.02, 10_000)).toEqual({ keys: 105, madePerS: 1, qber: 0.02 });
    meter.took(20);
    expect(meter.saw(85, 0.02, 20_000).madePerS).toBe(0.5);
  });

  test("forgets what was made longer than a minute ago, and what a key manager had before it began anew", () => {
    const meter = new KeyStockMeter();
    meter.saw(0, undefined, 0);
    meter.saw(600, undefined, 60_000);
    expect(meter.saw(600, undefined, 120_000).madePerS).toBe(0);
    expect(meter.saw(10, undefined, 122_000).madePerS).toBe(0);
    expect(meter.saw(14, undefined, 124_000).madePerS).toBe(2);
  });

  test("lasts as long as the key in use and all others", () => {
    const last = (keys: number, madePerS = 0, qber?: number) =>
      keysLastS({ keys, madePerS, qber }, USE);
    expect(last(0)).toBe(60);
    expect(last(10)).toBe(1_260);
    expect(last(10, 1 / 240)).toBe(2_460);
    expect(last(10, 1 / 120)).toBe(Infinity);
    expect(last(0, 1)).toBe(60);
  });

  test("is not waited for to the end where somebody listens", () => {
    const last = (qber: number) => keysLastS({ keys: Infinity, madePerS: 1, qber }, USE);
    expect([last(0.02), last(0.11), last(0.25)]).toEqual([Infinity, Infinity, 25]);
  });
});
