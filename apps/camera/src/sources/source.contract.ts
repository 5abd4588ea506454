/** What any source promises; every adapter's test calls it. */
import { simulatedClock } from "@glassline/service/clock/testing";
import type { SimulatedClock } from "@glassline/service/clock/testing";
import { METRICS } from "@glassline/telemetry/conventions";
import { describe, expect, test } from "vitest";

import type { CameraReport, Source } from "./source.ts";

/** Reports of a source over so much simulated time. */
export async function collect(
  source: Source,
  clock: SimulatedClock,
  lengthMs: number,
): Promise<CameraReport[]> {
  const stop = new AbortController();
  const reports: CameraReport[] = [];
  const reading = (async () => {
    for await (const report of source.reports(stop.signal)) reports.push(report);
  })();
  await clock.advance(lengthMs);
  stop.abort();
  await clock.advance(1_000);
  await reading;
  return reports;
}

export function sourceContract(
  name: string,
  make: (clock: SimulatedClock) => Promise<Source>,
): void {
  describe(`${name} keeps the contract of a source`, () => {
    test("names its cameras, and reports only of them", async () => {
      const clock = simulatedClock();
      const source = await make(clock);
      const ids = source.cameras.map(({ cameraId }) => cameraId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { attributes } of source.cameras) expect(attributes["camera.source"]).toBeTruthy();
      const reports = await collect(source, clock, 3_000);
      expect(reports.length).toBeGreaterThan(0);
      for (const { cameraId, samples } of reports) {
        expect(ids).toContain(cameraId);
        expect(samples.length).toBeGreaterThan(0);
        for (const { series } of samples) expect(series.cameraId).toBe(cameraId);
      }
    });

    test("gives units and kinds of the convention, whole numbers for states, and growing counters", async () => {
      const clock = simulatedClock();
      const reports = await collect(await make(clock), clock, 3_000);
      const counters = new Map<object, number>();
      for (const { series, value } of reports.flatMap(({ samples }) => samples)) {
        const definition = METRICS[series.metric];
        if (definition)
          expect([series.unit, series.kind]).toEqual([definition.unit, definition.kind]);
        if (series.kind === "state") expect(definition!.values).toHaveProperty(String(value));
        if (series.kind !== "counter") continue;
        expect(value).toBeGreaterThanOrEqual(counters.get(series) ?? 0);
        counters.set(series, value);
      }
    });

    test("takes time as it goes by: every sample lies within it, each series in order", async () => {
      const clock = simulatedClock();
      const source = await make(clock);
      const [startMs, latest] = [clock.nowMs(), new Map<object, bigint>()];
      for (const { series, timeUnixNano } of (await collect(source, clock, 3_000)).flatMap(
        ({ samples }) => samples,
      )) {
        expect(Number(timeUnixNano / 1_000_000n)).toBeGreaterThanOrEqual(startMs - 1);
        expect(Number(timeUnixNano / 1_000_000n)).toBeLessThanOrEqual(clock.nowMs());
        expect(timeUnixNano).toBeGreaterThanOrEqual(latest.get(series) ?? 0n);
        latest.set(series, timeUnixNano);
      }
    });

    test("ends when it is told to, also before it began", async () => {
      const clock = simulatedClock();
      const stop = new AbortController();
      stop.abort();
      const reports: CameraReport[] = [];
      for await (const report of (await make(clock)).reports(stop.signal)) reports.push(report);
      expect(reports).toEqual([]);
    });
  });
}
