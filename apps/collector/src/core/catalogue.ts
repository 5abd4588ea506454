/** All that is known of the fleet but its history, as a bundle: written to the head of each segment, read at a start. */
import type { Bundle } from "@glassline/otqmn/sample";

import type { Fleet } from "./fleet.ts";
import type { CameraState } from "./series-table.ts";

export interface Catalogue {
  bundle: Bundle;
  lastReceivedMs: ReadonlyMap<string, number>;
}

/** The cameras that were heard last, with the latest point of each of their series; at most `seriesMax` series. */
export function catalogueOf(fleet: Fleet, seriesMax: number): Catalogue {
  const { table } = fleet;
  const cameras = cameraStates(fleet, seriesMax);
  const points = cameras.flatMap(({ slots }) =>
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

/** The last heard first, as many as fit. */
function cameraStates(fleet: Fleet, seriesMax: number): CameraState[] {
  let room = seriesMax;
  const all = fleet.camerasHere.toSorted((a, b) => b.lastReceivedMs - a.lastReceivedMs);
  return all.filter(({ slots }) => {
    room -= slots.length;
    return room >= 0;
  });
}
