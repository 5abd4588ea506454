/** The fleet model as runs of batches, as a gateway or a camera of its own sends them. */
import { SERIES, fleetTicks } from "@glassline/bench/fleet-model";
import { BundleWriter } from "@glassline/otqmn/bundle-writer";
import type { Series } from "@glassline/otqmn/sample";

/** One batch a tick, the first a key batch. @param firstCamera tells the cameras of producers apart. */
export function fleetRun(firstCamera: number, cameras: number, ticks: number): Uint8Array[] {
  const writer = new BundleWriter();
  const series = Array.from({ length: cameras }, (_, at) => seriesOf(firstCamera + at)).flat();
  const seriesIndex = Uint32Array.from(series.keys());
  return Array.from(fleetTicks(cameras, ticks), ({ timeUnixNano, value }) =>
    writer.encode({ series, seriesIndex, timeUnixNano, value, cameras: [], traceContexts: [] }),
  );
}

function seriesOf(camera: number): Series[] {
  const cameraId = `cam-${String(camera).padStart(4, "0")}`;
  return SERIES.map(({ metric }) => ({
    cameraId,
    metric,
    unit: "1",
    kind: "gauge",
    attributes: {},
  }));
}
