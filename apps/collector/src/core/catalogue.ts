/** All that is known of the fleet but its history, as a bundle: written to the head of each segment, read at a start. */
import type { Bundle } from "@glassline/otqmn/sample";

import { utf8Bytes } from "./byte-sink.ts";
import type { Fleet } from "./fleet.ts";
import type { CameraState } from "./series-table.ts";

export interface Catalogue {
  bundle: Bundle;
  lastReceivedMs: ReadonlyMap<string, number>;
}

export interface CatalogueLimits {
  /** Of the cameras that were heard last: these are told with the latest point of each series. */
  seriesMax: number;
  /** Of the others only facts are told, so many bytes of them. */
  factsMaxBytes: number;
}

/** Of a camera, beside its texts. */
const FACTS_BYTES = 16;

export function catalogueOf(
  fleet: Fleet,
  { seriesMax, factsMaxBytes }: CatalogueLimits,
): Catalogue {
  const { table } = fleet;
  const all = fleet.camerasHere.toSorted((a, b) => b.lastReceivedMs - a.lastReceivedMs);
  const whole = heardLast(all, seriesMax);
  const cameras = [...whole, ...silentLongest(all, new Set(whole), factsMaxBytes)];
  const points = whole.flatMap(({ slots }) =>
    slots.flatMap((slot) => {
      const latest = table.latest(slot);
      return latest ? [{ slot, ...latest }] : [];
    }),
  );
  return {
    lastReceivedMs: new Map(
      cameras.map(({ cameraId, lastReceivedMs }) => [cameraId, lastReceivedMs]),
    ),
    bundle: {
      series: points.map(({ slot }) => table.series(slot)),
      seriesIndex: Uint32Array.from(points.keys()),
      timeUnixNano: BigUint64Array.from(points, ({ timeUnixNano }) => timeUnixNano),
      value: Float64Array.from(points, ({ value }) => value),
      cameras: cameras.map(({ cameraId, attributes }) => ({ cameraId, attributes })),
      traceContexts: [],
    },
  };
}

/** As many as fit. */
function heardLast(cameras: readonly CameraState[], seriesMax: number): CameraState[] {
  let room = seriesMax;
  return cameras.filter(({ slots }) => {
    room -= slots.length;
    return room >= 0;
  });
}

/** As many as fit, from the last on: who is live will be heard again soon. */
function silentLongest(
  cameras: readonly CameraState[],
  besides: ReadonlySet<CameraState>,
  factsMaxBytes: number,
): CameraState[] {
  let room = factsMaxBytes;
  const fitting: CameraState[] = [];
  for (let at = cameras.length - 1; at >= 0; at--) {
    const camera = cameras[at]!;
    if (besides.has(camera)) continue;
    room -= factsBytes(camera);
    if (room < 0) break;
    fitting.push(camera);
  }
  return fitting;
}

/** The id stands there twice: with the facts, and with the time at which the camera was heard. */
function factsBytes({ cameraId, attributes }: CameraState): number {
  let bytes = FACTS_BYTES + 2 * utf8Bytes(cameraId);
  for (const key of Object.keys(attributes)) bytes += utf8Bytes(key) + utf8Bytes(attributes[key]!);
  return bytes;
}
