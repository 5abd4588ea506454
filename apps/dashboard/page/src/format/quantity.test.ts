import { expect, test } from "vitest";

import { bytesText, compact, durationText, quantity, rateQuantity } from "./quantity.ts";
import { tickTexts } from "./ticks.ts";

test("units are written as they stand on an instrument", () => {
  expect(quantity(21.456, "Cel")).toEqual({ text: "21.46", unit: "°C" });
  expect(quantity(0.5, "1")).toEqual({ text: "0.500", unit: "" });
  expect(quantity(12, "{cell}")).toEqual({ text: "12", unit: "cells" });
  expect(quantity(9.81, "m/s2")).toEqual({ text: "9.81", unit: "m/s²" });
});

test("seconds become the duration that reads best", () => {
  expect(quantity(1 / 240, "s")).toEqual({ text: "4.17", unit: "ms" });
  expect(quantity(93_600, "s")).toEqual({ text: "1 d 2 h", unit: "" });
  expect(durationText(84)).toBe("84.0 ms");
  expect(durationText(0.0312)).toBe("31.2 µs");
});

test("bytes and large counts get a prefix", () => {
  expect(bytesText(1_240_000)).toBe("1.24 MB");
  expect(bytesText(12)).toBe("12 B");
  expect(compact(99_999)).toBe("99,999");
  expect(compact(1_234_567)).toBe("1.23 M");
});

test("a rate says a second, and not again what is counted", () => {
  expect(rateQuantity(30, "{frame}")).toEqual({ text: "30.00", unit: "/s" });
  expect(rateQuantity(778_000, "By")).toEqual({ text: "778", unit: "kB/s" });
});

test("ticks have as many decimals as their step needs", () => {
  expect(tickTexts([0.004, 0.00425, 0.0045], 0.00025, "s")).toEqual([
    "4.00 ms",
    "4.25 ms",
    "4.50 ms",
  ]);
  expect(tickTexts([0, 12_000, 14_000], 2_000, "lx")).toEqual(["0", "12k", "14k"]);
  expect(tickTexts([52.5, 55], 2.5, "%")).toEqual(["52.5", "55.0"]);
});

test("ticks close together on a long duration are written as a clock", () => {
  expect(tickTexts([188_760, 188_880], 120, "s")).toEqual(["2 d 4:26", "2 d 4:28"]);
  expect(tickTexts([500, 502], 2, "s")).toEqual(["0:08:20", "0:08:22"]);
  expect(tickTexts([500, 500.25], 0.25, "s")).toEqual(["0:08:20.00", "0:08:20.25"]);
  expect(tickTexts([43_200, 86_400], 43_200, "s")).toEqual(["0.5 d", "1.0 d"]);
});
