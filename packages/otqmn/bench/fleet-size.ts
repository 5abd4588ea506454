/** Bytes a point of the fleet model: payloads with everything in them. */
import { about, report } from "@glassline/bench/report";

import { fleetBatches, fleetEncoder } from "./fleet-stream.ts";

const CASES = [
  { cameras: 200, keyIntervals: [0, 600, 60] },
  { cameras: 20, keyIntervals: [0, 600] },
  { cameras: 1, keyIntervals: [0, 600] },
] as const;

export function fleetSizes(isQuick: boolean): void {
  about(
    "fleet-size",
    "Bytes a point of the fleet model, payloads with values, timestamps and definitions. The model's values have an entropy of about 0.29 bytes a point, " +
      "its timestamps (jitter of 2 ms in nanoseconds) of 0.11. Goals: 0.45 with 4,800 points a message, 1.5 with 24.",
  );
  const ticks = isQuick ? 120 : 1_200;
  for (const { cameras, keyIntervals } of CASES) {
    const batches = fleetBatches(cameras, ticks);
    for (const keyInterval of keyIntervals) {
      const encoder = fleetEncoder(cameras);
      let [bytes, points] = [0, 0];
      batches.forEach((batch, at) => {
        if (keyInterval > 0 && at % keyInterval === 0) encoder.beginAnew();
        bytes += encoder.encode(batch).length;
        points += batch.count;
      });
      const params = { cameras, ticks, pointsPerMessage: cameras * 24, keyInterval };
      report("fleet-size", "bytes_per_point", bytes / points, "B", params);
    }
  }
}
