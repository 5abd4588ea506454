/** A GoPro recording (MP4 with a GPMF track), replayed at its own speed and looped. */
import { basename } from "node:path";

import { readMp4 } from "@glassline/mp4";
import { passAt, passStartMs } from "@glassline/mp4/loop";
import type { Clock } from "@glassline/service/clock";
import { OperatorError } from "@glassline/service/errors";
import { GPMFExtract } from "gpmf-extract";
import { goProTelemetry } from "gopro-telemetry";

import type { GpmfDevice, Recording } from "../core/gpmf.ts";
import { recordingOf } from "../core/gpmf.ts";
import type { CameraReport, Sample, Source } from "./source.ts";

/** Samples of this length of time go into one report. */
const REPORT_MS = 100;
/** After a pause there is more to tell than a gateway takes at once. */
const REPORT_MAX_SAMPLES = 5_000;

/** Reads a recording. Fails with OperatorError when the file is missing, not an MP4 or without telemetry. */
export async function readRecording(path: string, cameraId: string): Promise<Recording> {
  const file = await readMp4(path);
  const noTelemetry = (error: unknown) => {
    throw new OperatorError(
      `${path}: an MP4 without GoPro telemetry: it has no GPMF track that can be read. Give a recording of a GoPro HERO5 or later.`,
      { cause: error },
    );
  };
  const extracted = await GPMFExtract(file).catch(noTelemetry);
  endWithPicture(extracted.timing);
  const telemetry = await goProTelemetry(extracted, {}).catch(noTelemetry);
  const devices = Object.values(telemetry).filter(
    (entry) => typeof entry === "object" && entry !== null,
  ) as GpmfDevice[];
  const recording = recordingOf(cameraId, devices, extracted.timing.videoDuration * 1_000);
  if (recording.samples.length === 0) noTelemetry("it holds no sample");
  return recording;
}

/** The last payload lasts as long as the picture does, not as long as the others: its samples are spread over that time. */
function endWithPicture({ videoDuration, samples }: PayloadTiming): void {
  const last = samples.at(-1);
  const leftMs = videoDuration * 1_000 - (last?.cts ?? 0);
  if (last && leftMs > 0) last.duration = Math.min(last.duration, leftMs);
}

/** Seconds and milliseconds, as the extractor has them. */
interface PayloadTiming {
  videoDuration: number;
  samples: { cts: number; duration: number }[];
}

export interface GoproOptions {
  path: string;
  cameraId: string;
  clock: Clock;
}

/** The loop begins at multiples of its length since 1970, so that others can follow it by the clock alone. */
export async function goproSource({ path, cameraId, clock }: GoproOptions): Promise<Source> {
  const recording = await readRecording(path, cameraId);
  const attributes = {
    "camera.source": "gopro",
    "camera.recording": basename(path),
    ...recording.attributes,
  };
  return {
    cameras: [{ cameraId, attributes }],
    async *reports(signal) {
      let fromMs = clock.nowMs();
      const originPass = passAt(recording.lengthMs, fromMs);
      while (!signal.aborted) {
        await clock.sleep(REPORT_MS, signal).catch(() => {});
        const toMs = clock.nowMs();
        const samples = samplesBetween(recording, fromMs, toMs, originPass);
        fromMs = Math.max(fromMs, toMs);
        for (let at = 0; at < samples.length && !signal.aborted; at += REPORT_MAX_SAMPLES) {
          yield {
            cameraId,
            samples: samples.slice(at, at + REPORT_MAX_SAMPLES),
          } satisfies CameraReport;
        }
      }
    },
  };
}

/**
 * The samples whose moment in the loop lies in [fromMs, toMs), with the times of their pass; counters go on from pass to
 * pass, beginning with `originPass`. A long pause skips passes.
 */
export function samplesBetween(
  { samples, growth, lengthMs }: Recording,
  fromMs: number,
  toMs: number,
  originPass = passAt(lengthMs, fromMs),
): Sample[] {
  const result: Sample[] = [];
  const [fromNano, toNano] = [nanoseconds(fromMs), nanoseconds(toMs)];
  const firstPass = Math.max(passAt(lengthMs, fromMs), passAt(lengthMs, toMs) - 1);
  for (let pass = firstPass; passStartMs(lengthMs, pass) < toMs; pass++) {
    const startNano = nanoseconds(passStartMs(lengthMs, pass));
    for (let at = firstFrom(samples, fromNano - startNano); at < samples.length; at++) {
      const { series, offsetNano, value } = samples[at]!;
      const timeUnixNano = startNano + offsetNano;
      if (timeUnixNano >= toNano) break;
      const before =
        series.kind === "counter" ? (pass - originPass) * (growth.get(series) ?? 0) : 0;
      result.push({ series, timeUnixNano, value: value + before });
    }
  }
  return result;
}

/** Index of the first sample at or behind an offset: a loop has tens of thousands, a report some hundreds. */
function firstFrom(samples: Recording["samples"], offsetNano: bigint): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (samples[middle]!.offsetNano < offsetNano) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nanoseconds(timeMs: number): bigint {
  return BigInt(Math.round(timeMs * 1_000)) * 1_000n;
}
