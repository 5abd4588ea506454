import type { LatestSample } from "@glassline/proto/query";
import { METRICS } from "@glassline/telemetry/conventions";
import { useMemo } from "preact/hooks";

import { metricGroups } from "./metrics.ts";
import { readingsOf } from "./readings.ts";

/** What one wants to know first beside the picture, in this order; a camera has some of them. */
const HEADLINES = [
  "camera.sensor.temperature",
  "camera.imu.temperature",
  "camera.lens.focus.position",
  "camera.lens.iris.attenuation",
  "camera.lens.zoom.position",
  "camera.sensor.iso",
  "camera.exposure.time",
  "camera.sensor.gain",
  "camera.imu.acceleration",
  "camera.imu.angular_velocity",
  "camera.environment.temperature",
  "camera.environment.humidity",
  "camera.environment.illuminance",
  "camera.thermal.spot.temperature",
  "camera.motion.magnitude",
  "camera.focus.move_status",
];
const SHOWN_MAX = 8;

/** A handful of latest values beside the picture; the style sheet hides them where there is none. */
export function HeadlineReadings({ samples }: { samples: readonly LatestSample[] }) {
  const metrics = useMemo(() => {
    const known = new Map(
      metricGroups(samples).flatMap((group) =>
        group.metrics.map((metric) => [metric.metric, metric]),
      ),
    );
    return HEADLINES.flatMap((name) => known.get(name) ?? []).slice(0, SHOWN_MAX);
  }, [samples]);
  return (
    <dl class="headlines">
      {metrics.map((metric) => {
        const readings = readingsOf(metric, undefined, null, () => undefined);
        return (
          <div key={metric.metric}>
            <dt>{METRICS[metric.metric]?.label ?? metric.label}</dt>
            <dd class={readings.length > 2 ? "is-vector" : ""}>
              {readings.map(({ text }) => text).join(" · ")}
              {readings[0]?.unit && <small> {readings[0].unit}</small>}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
