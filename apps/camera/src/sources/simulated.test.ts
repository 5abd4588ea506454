import { simulatedClock } from "@glassline/service/clock/testing";
import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import { measure, newSimulatedCamera, stepSimulatedCamera } from "../core/simulated-camera.ts";
import { sunElevation } from "../core/scene.ts";
import { simulatedSource } from "./simulated.ts";
import { collect, sourceContract } from "./source.contract.ts";

const options = (clock: ReturnType<typeof simulatedClock>, more = {}) => ({
  count: 5,
  seed: 1,
  intervalMs: 1_000,
  clock,
  ...more,
});

sourceContract("the simulated fleet", async (clock) => simulatedSource(options(clock)));

const SITE = { latitudeDegrees: 48.1, longitudeDegrees: 11.6 };
const HOUR_MS = 3_600_000;

/** A day of one camera, a measurement each ten seconds. */
function day(seed: number, startMs: number): Record<string, number>[] {
  const random = seededRandom(seed);
  let camera = newSimulatedCamera(SITE, startMs, random);
  return Array.from({ length: 8_640 }, (_, at) => {
    camera = stepSimulatedCamera(camera, startMs + at * 10_000, 10, random);
    return measure(camera, startMs + at * 10_000);
  });
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const at = (hour: number) => (_: unknown, index: number) => Math.floor(index / 360) === hour;

describe("the simulated fleet", () => {
  test("is the same for the same seed and another for another", async () => {
    const reports = async (seed: number) => {
      const clock = simulatedClock();
      return collect(simulatedSource(options(clock, { seed })), clock, 5_000);
    };
    expect(await reports(7)).toEqual(await reports(7));
    expect(await reports(7)).not.toEqual(await reports(8));
  });

  test("reports once an interval a camera, spread over the interval", async () => {
    const clock = simulatedClock();
    const reports = await collect(simulatedSource(options(clock, { count: 10 })), clock, 9_950);
    const byCamera = Map.groupBy(reports, ({ cameraId }) => cameraId);
    for (const of of byCamera.values()) expect(of.length).toBe(10);
    const firstSecond = reports.slice(0, 10).map(({ samples }) => samples[0]!.timeUnixNano);
    expect(new Set(firstSecond).size).toBe(10);
  });

  test("the sun stands high at noon in summer and below the horizon at midnight", () => {
    const degrees = (iso: string) => (sunElevation(SITE, Date.parse(iso)) * 180) / Math.PI;
    expect(degrees("2026-06-21T11:15:00Z")).toBeCloseTo(65.3, 0);
    expect(degrees("2026-12-21T11:15:00Z")).toBeCloseTo(18.5, 0);
    expect(degrees("2026-06-21T23:15:00Z")).toBeLessThan(-15);
  });

  test("a day is believable: light, iris and gain, warmth by day, focus that hunts, states of the convention", () => {
    const measured = day(3, Date.parse("2026-06-21T00:00:00Z"));
    const column = (metric: string) => measured.map((values) => values[metric]!);
    const byHour = (metric: string, hour: number) => mean(column(metric).filter(at(hour)));
    expect(byHour("camera.environment.illuminance", 11)).toBeGreaterThan(20_000);
    expect(byHour("camera.environment.illuminance", 23)).toBeLessThan(50);
    expect(byHour("camera.lens.iris.attenuation", 11)).toBeGreaterThan(20);
    expect(byHour("camera.sensor.gain", 23)).toBeGreaterThan(20);
    expect(byHour("camera.environment.temperature", 14)).toBeGreaterThan(
      byHour("camera.environment.temperature", 3) + 5,
    );
    expect(mean(column("camera.sensor.temperature"))).toBeGreaterThan(
      mean(column("camera.environment.temperature")) + 10,
    );
    expect(new Set(column("camera.focus.move_status"))).toContain(2);
    expect(byHour("camera.ir_cut.state", 0)).toBe(1);
    expect(byHour("camera.ir_cut.state", 11)).toBe(0);
    for (const metric of ["camera.lens.focus.position", "camera.lens.zoom.position"]) {
      expect(Math.min(...column(metric))).toBeGreaterThanOrEqual(0);
      expect(Math.max(...column(metric))).toBeLessThanOrEqual(1);
    }
    expect(measured.every((values) => Object.values(values).every(Number.isFinite))).toBe(true);
  });

  test("a camera that was paused for hours goes on without a leap in its counters", async () => {
    const clock = simulatedClock();
    const source = simulatedSource(options(clock, { count: 1 }));
    const reports = await collect(source, clock, 2_000);
    expect(reports.length).toBeGreaterThan(0);
    await clock.advance(5 * HOUR_MS);
    const later = await collect(source, clock, 2_000);
    const frames = (report: (typeof reports)[number]) =>
      report.samples.find(({ series }) => series.metric === "camera.frames.captured")!.value;
    expect(frames(later[0]!) - frames(reports.at(-1)!)).toBeLessThan(1_000);
  });
});
