import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { simulatedClock } from "@glassline/service/clock/testing";
import { describe, expect, test } from "vitest";

import type { GpmfDevice } from "../core/gpmf.ts";
import { componentsOf, recordingOf } from "../core/gpmf.ts";
import { goproSource, readRecording, samplesBetween } from "./gopro.ts";
import { collect, sourceContract } from "./source.contract.ts";

const RECORDING = resolve(process.env["GLASSLINE_DATA"] ?? "../shared/data", "gopro-karma.mp4");

const DEVICES: GpmfDevice[] = [
  {
    "device name": "Camera",
    streams: {
      ACCL: {
        units: "m/s²",
        samples: [
          { cts: 0, value: [9.8, 0.1, 0.2], sticky: { "temperature [°C]": 41.5 } },
          { cts: 5, value: [9.7, null, 0.3] },
        ],
      },
      FWVS: {
        samples: [
          { cts: 0, value: "1.1.11.0" },
          { cts: 10, value: null },
        ],
      },
      KBAT: { units: ["A", "V"], samples: [{ cts: 2.5, value: [-17.1, 3.6] }] },
    },
  },
];

describe("a GPMF recording", () => {
  test("every numeric component becomes a sample, texts become attributes, nulls are counted", () => {
    const { samples, attributes, nulls, lengthMs } = recordingOf("cam", DEVICES, 1_000);
    const of = (metric: string) =>
      samples
        .filter(({ series }) => series.metric === metric)
        .map(({ series, value, offsetNano }) => [
          series.attributes["component"],
          series.unit,
          value,
          offsetNano,
        ]);
    expect(of("camera.imu.acceleration")).toEqual([
      ["z", "m/s2", 9.8, 0n],
      ["x", "m/s2", 0.1, 0n],
      ["y", "m/s2", 0.2, 0n],
      ["z", "m/s2", 9.7, 5_000_000n],
      ["y", "m/s2", 0.3, 5_000_000n],
    ]);
    expect(of("camera.gpmf.kbat")).toEqual([
      ["0", "A", -17.1, 2_500_000n],
      ["1", "V", 3.6, 2_500_000n],
    ]);
    expect(of("camera.imu.temperature")).toEqual([[undefined, "Cel", 41.5, 0n]]);
    expect(attributes).toEqual({ "device.model.name": "Camera", "camera.gpmf.fwvs": "1.1.11.0" });
    expect(nulls).toBe(2);
    expect(of("camera.source.nulls").map(([, , value]) => value)).toEqual([1, 1]);
    expect(lengthMs).toBe(1_000);
  });

  test("equal streams of two devices are told apart", () => {
    const drone = {
      "device name": "Drone",
      streams: { KBAT: { samples: [{ cts: 0, value: 5 }] } },
    };
    const { samples } = recordingOf("cam", [...DEVICES, drone], 1_000);
    const devices = samples
      .filter(({ series }) => series.metric === "camera.gpmf.kbat")
      .map(({ series }) => series.attributes["device"]);
    expect(devices.toSorted()).toEqual(["Camera", "Camera", "Drone"]);
  });

  test("nested values are flattened in order", () => {
    expect(componentsOf([[1, "a"], { x: null, y: [2] }])).toEqual([1, "a", null, 2]);
  });

  test("replays from the moment in the loop that the clock says, pass after pass, nothing twice and nothing left out", () => {
    const recording = recordingOf("cam", DEVICES, 1_000);
    const count = recording.samples.length;
    let replayed = 0;
    for (let nowMs = 5_000; nowMs < 8_000; nowMs += 70)
      replayed += samplesBetween(recording, nowMs, Math.min(nowMs + 70, 8_000)).length;
    expect(replayed).toBe(3 * count);
    expect(samplesBetween(recording, 0, 1_000_000).length).toBeLessThanOrEqual(2 * count);
  });
});

if (existsSync(RECORDING)) {
  sourceContract("the GoPro recording", (clock) =>
    goproSource({ path: RECORDING, cameraId: "karma", clock }),
  );

  describe("the real recording", () => {
    test("has as many samples as its streams have numeric components", async () => {
      const { GPMFExtract } = await import("gpmf-extract");
      const { goProTelemetry } = await import("gopro-telemetry");
      const { readFile } = await import("node:fs/promises");
      const telemetry = (await goProTelemetry(
        await GPMFExtract(await readFile(RECORDING)),
        {},
      )) as unknown as Record<string, GpmfDevice>;
      let [numbers, streamSamples] = [0, 0];
      for (const { streams } of Object.values(telemetry)) {
        for (const { samples } of Object.values(streams ?? {})) {
          streamSamples += samples!.length;
          for (const { value } of samples!)
            numbers += [value].flat(9).filter((component) => typeof component === "number").length;
        }
      }
      const recording = await readRecording(RECORDING, "karma");
      const beside = new Set(["camera.source.nulls", "camera.imu.temperature"]);
      expect(streamSamples).toBe(8_426);
      expect(recording.samples.filter(({ series }) => !beside.has(series.metric)).length).toBe(
        numbers,
      );
      expect(recording.attributes["device.model.name"]).toBe("Camera + GoPro Karma v1.0");
    });

    test("one loop yields every sample once", async () => {
      const clock = simulatedClock();
      const recording = await readRecording(RECORDING, "karma");
      const source = await goproSource({ path: RECORDING, cameraId: "karma", clock });
      const reports = await collect(source, clock, recording.lengthMs);
      const count = reports.reduce((sum, { samples }) => sum + samples.length, 0);
      // The clock moves in steps of a report: the last one may not have been due.
      expect(count).toBeGreaterThan(recording.samples.length * 0.98);
      expect(count).toBeLessThanOrEqual(recording.samples.length);
    });
  });
} else test.skip("skipped: no recording", () => {});
