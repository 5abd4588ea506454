/** All that is known of the fleet but its history, as a bundle: written to the head of each segment, read at a start. */
import type { Bundle } from "@glassline/otqmn/sample";

import type { CameraState, Fleet, SeriesState } from "./fleet.ts";
import type { Point } from "./recent-points.ts";

export interface Catalogue {
  bundle: Bundle;
  lastReceivedMs: ReadonlyMap<string, number>;
}

/** The cameras that were heard last, with the latest point of each of their series; at most `seriesMax` series. */
export function catalogueOf(fleet: Fleet, seriesMax: number): Catalogue {
  const cameras = cameraStates(fleet, seriesMax);
  const states = cameras.flatMap((camera) => [...camera.series.values()].flatMap(withLatest));
  return {
    lastReceivedMs: new Map(
      cameras.map(({ cameraId, lastReceivedMs }) => [cameraId, lastReceivedMs]),
    ),
    bundle: {
      series: states.map(({ state }) => state.series),
      seriesIndex: Uint32Array.from(states.keys()),
      timeUnixNano: BigUint64Array.from(states, ({ latest }) =>
        BigInt.asUintN(64, latest.timeUnixNano),
      ),
      value: Float64Array.from(states, ({ latest }) => latest.value),
      cameras: cameras.map(({ cameraId, attributes }) => ({ cameraId, attributes })),
      traceContexts: [],
    },
  };
}

/** The last heard first, as many as fit. */
function cameraStates(fleet: Fleet, seriesMax: number): CameraState[] {
  let room = seriesMax;
  const all = [...fleet.cameras.values()].toSorted((a, b) => b.lastReceivedMs - a.lastReceivedMs);
  return all.filter(({ series }) => {
    room -= series.size;
    return room >= 0;
  });
}

function withLatest(state: SeriesState): { state: SeriesState; latest: Point }[] {
  const { latest } = state.points;
  return latest ? [{ state, latest }] : [];
}
