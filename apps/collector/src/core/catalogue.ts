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

/** Whose catalogue it is to be: that of a part is told at another moment than that of the next. */
export interface Catalogued {
  /** Told with the latest point of each of their series. */
  whole: readonly CameraState[];
  factsOnly: readonly CameraState[];
}

export function cataloguedOf(
  fleet: Fleet,
  { seriesMax, factsMaxBytes }: CatalogueLimits,
): Catalogued {
  const all = fleet.camerasHere.toSorted((a, b) => b.lastReceivedMs - a.lastReceivedMs);
  const whole = heardLast(all, seriesMax);
  return { whole, factsOnly: silentLongest(all, new Set(whole), factsMaxBytes) };
}

/** Parts that have so many series, or so many cameras, at most, unless one camera has more. */
export function* partsOf(
  { whole, factsOnly }: Catalogued,
  { series, cameras }: { series: number; cameras: number },
): Generator<Catalogued> {
  let part: CameraState[] = [];
  let room = series;
  for (const camera of whole) {
    if (part.length > 0 && (room < camera.seriesCount || part.length === cameras)) {
      yield { whole: part, factsOnly: [] };
      [part, room] = [[], series];
    }
    part.push(camera);
    room -= camera.seriesCount;
  }
  if (part.length > 0) yield { whole: part, factsOnly: [] };
  for (let at = 0; at < factsOnly.length; at += cameras)
    yield { whole: [], factsOnly: factsOnly.slice(at, at + cameras) };
}

export function catalogueOf({ table }: Fleet, { whole, factsOnly }: Catalogued): Catalogue {
  const cameras = [...whole, ...factsOnly];
  const points = whole.flatMap((camera) =>
    table.slotsOfCamera(camera).flatMap((slot) => {
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
  return cameras.filter(({ seriesCount }) => {
    room -= seriesCount;
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
