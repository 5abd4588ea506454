/** The fleet model as the points of a stream. */
import { SERIES, fleetTicks } from "@glassline/bench/fleet-model";

import type { Points } from "../src/stream-codec/series-definition.ts";
import { StreamEncoder } from "../src/stream-codec/stream-encoder.ts";

/** An encoder that knows the series of so many cameras. */
export function fleetEncoder(cameras: number, compress = true): StreamEncoder {
  const encoder = new StreamEncoder({ compress });
  for (let camera = 0; camera < cameras; camera++)
    for (const { metric } of SERIES)
      encoder.addSeries({
        parts: [metric, `cam-${String(camera).padStart(4, "0")}`],
        columns: [{ type: "float", field: 0 }],
      });
  return encoder;
}

/** One batch a tick. */
export function fleetBatches(cameras: number, ticks: number): Points[] {
  const count = cameras * SERIES.length;
  const column = Uint32Array.from({ length: count }, (_, at) => at);
  return Array.from(fleetTicks(cameras, ticks), ({ timeUnixNano, value }) => ({
    count,
    column,
    timeUnixNano,
    bits: new BigUint64Array(value.buffer as ArrayBuffer),
  }));
}
