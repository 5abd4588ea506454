/** What is missing of a camera: gaps that were told (camera.gap.*), and holes in what came that nobody told. Pure. */
import type { Point } from "./points.ts";

export interface Gap {
  cameraId: string;
  /** Times of the first and of the last sample that is missing; of a hole, of its edges. */
  fromUnixNano: bigint;
  toUnixNano: bigint;
  /** "camera", "mesh" or "collector"; empty when nobody told. */
  cause: string;
  reason: string;
  /** 0 when nobody told. */
  reports: number;
}

/** One series of camera.gap.duration or camera.gap.reports. */
export interface GapSeries {
  attributes: Readonly<Record<string, string>>;
  points: readonly Point[];
}

/** A camera that reports at its pace leaves no hole longer than this, in intervals. */
const HOLE_INTERVALS = 3;
const HOLE_LEAST_NANO = 2_000_000_000n;
/** Fewer points do not tell a pace. */
const PACE_POINTS = 8;
const DURATION_MAX_S = 1e9;

export function toldGaps(
  cameraId: string,
  durations: readonly GapSeries[],
  reports: readonly GapSeries[],
): Gap[] {
  const reportsAt = new Map<string, number>();
  for (const { attributes, points } of reports)
    for (const { timeUnixNano, value } of points)
      reportsAt.set(keyOf(attributes, timeUnixNano), value);
  return durations.flatMap(({ attributes, points }) =>
    points.filter(isDuration).map(({ timeUnixNano, value }) => ({
      cameraId,
      fromUnixNano: timeUnixNano,
      toUnixNano: timeUnixNano + BigInt(Math.round(value * 1e9)),
      cause: attributes["cause"] ?? "",
      reason: attributes["reason"] ?? "",
      reports: reportsAt.get(keyOf(attributes, timeUnixNano)) ?? 0,
    })),
  );
}

/**
 * Holes in the times of a series that came at a pace, without those in which a gap was told.
 * @param times ascending. @param endUnixNano what came last should not be older than its pace allows.
 */
export function holesIn(
  cameraId: string,
  times: readonly bigint[],
  told: readonly Gap[],
  endUnixNano: bigint,
): Gap[] {
  if (times.length < PACE_POINTS) return [];
  const limit = holeLimit(times);
  return [...times.slice(1), endUnixNano].flatMap((toUnixNano, at) => {
    const fromUnixNano = times[at]!;
    if (toUnixNano - fromUnixNano <= limit) return [];
    const isTold = told.some(
      (gap) => gap.fromUnixNano < toUnixNano && gap.toUnixNano > fromUnixNano,
    );
    if (isTold) return [];
    const reason = at === times.length - 1 ? "nothing has come since" : "nothing came";
    return [{ cameraId, fromUnixNano, toUnixNano, cause: "", reason, reports: 0 }];
  });
}

function holeLimit(times: readonly bigint[]): bigint {
  const intervals = times.slice(1).map((time, at) => Number(time - times[at]!));
  const median = intervals.toSorted((a, b) => a - b)[Math.floor(intervals.length / 2)]!;
  const limit = BigInt(Math.round(median * HOLE_INTERVALS));
  return limit > HOLE_LEAST_NANO ? limit : HOLE_LEAST_NANO;
}

/** Others may send what they like under the name. */
function isDuration({ value }: Point): boolean {
  return value >= 0 && value <= DURATION_MAX_S;
}

function keyOf({ cause, reason }: Readonly<Record<string, string>>, time: bigint): string {
  return `${cause} ${reason} ${time}`;
}
