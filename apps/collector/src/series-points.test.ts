import { expect, test } from "vitest";

import { rowsOf } from "./core/points.testing.ts";
import type { History } from "./history.testing.ts";
import { nanoAt, openHistory } from "./history.testing.ts";
import type { PointBound } from "./series-points.ts";
import { seriesPoints } from "./series-points.ts";

/** Three blocks of 100 seconds, and 100 that are in memory; the value is the second, but for two spikes. */
async function openSpiked(): Promise<History> {
  const history = await openHistory();
  for (let part = 0; part < 4; part++) {
    if (part > 0) await history.roll();
    const seconds = Array.from({ length: 100 }, (_, at) => 100 * part + at);
    const valueOf = (second: number) => ({ 42: 9_000, 250: -9_000 })[second] ?? second;
    await history.append(
      "cam",
      seconds.flatMap((second) => [
        { metric: "m", second, value: valueOf(second) },
        { metric: "other", second, value: 1 },
      ]),
    );
  }
  return history;
}

const ask = (history: History, bound: PointBound, from = 0, to = 1_000) =>
  seriesPoints(
    history.deps(),
    { cameraId: "cam", metrics: ["m"], from: nanoAt(from), to: nanoAt(to) },
    new AbortController().signal,
    bound,
  );

test("points come from blocks and from memory, in order, for the time that is asked for", async () => {
  await using history = await openSpiked();
  const [found] = await ask(history, { points: 400, beyond: "refuse" }, 90, 310);
  const seconds = Array.from({ length: 220 }, (_, at) => 90 + at);
  expect(rowsOf(found!.points).map(([time]) => time)).toEqual(seconds.map(nanoAt));
  expect(found!.isThinned).toBe(false);
});

test("more points than are held are thinned while they are read, and no spike is lost", async () => {
  await using history = await openSpiked();
  const [found] = await ask(history, { points: 150, beyond: "thin" });
  const rows = rowsOf(found!.points);
  expect(found!.isThinned).toBe(true);
  expect(rows.length).toBeLessThanOrEqual(250);
  expect(rows).toEqual(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  expect(rows).toContainEqual([nanoAt(42), 9_000]);
  expect(rows).toContainEqual([nanoAt(250), -9_000]);
});

test("more points than are held are refused where each one counts", async () => {
  await using history = await openSpiked();
  const refusal = "m of camera cam: got more than 399 points";
  await expect(ask(history, { points: 399, beyond: "refuse" })).rejects.toThrow(refusal);
});
