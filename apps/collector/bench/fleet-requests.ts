/** The fleet model as OTLP requests: one tick of so many cameras each, a resource a camera and a metric a series. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { SERIES, fleetTicks } from "@glassline/bench/fleet-model";
import type { Tick } from "@glassline/bench/fleet-model";
import type { Metric, NumberDataPointSchema, ResourceMetrics } from "@glassline/proto/otlp/metrics";
import {
  AggregationTemporality,
  MetricSchema,
  ResourceMetricsSchema,
} from "@glassline/proto/otlp/metrics";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";

const TICK_NANO = 1_000_000_000n;
/** When all the cameras were started: exporters send it with every point. */
const UPTIME_NANO = 3_600n * TICK_NANO;

export const pointsIn = (cameras: number): number => cameras * SERIES.length;

/**
 * Encoded ExportMetricsServiceRequests, each of another tick.
 * @param endUnixNano time of the last tick; the others lie before it.
 */
export function fleetRequests(cameras: number, count: number, endUnixNano: bigint): Uint8Array[] {
  const ticks = [...fleetTicks(cameras, count)];
  const last = ticks.at(-1)!.timeUnixNano[0]!;
  const shiftNano = ((endUnixNano - last) / TICK_NANO) * TICK_NANO;
  return ticks.map((tick) => {
    const resourceMetrics = Array.from({ length: cameras }, (_, camera) =>
      cameraMetrics(camera, tick, shiftNano, endUnixNano - UPTIME_NANO),
    );
    return toBinary(
      ExportMetricsServiceRequestSchema,
      create(ExportMetricsServiceRequestSchema, { resourceMetrics }),
    );
  });
}

function cameraMetrics(
  camera: number,
  tick: Tick,
  shiftNano: bigint,
  startTimeUnixNano: bigint,
): ResourceMetrics {
  const cameraId = `cam-${String(camera).padStart(4, "0")}`;
  const metrics = SERIES.map(({ metric, isCounter }, series) => {
    const at = pointsIn(camera) + series;
    const timeUnixNano = tick.timeUnixNano[at]! + shiftNano;
    const value = { case: "asDouble", value: tick.value[at]! } as const;
    return metricOf(metric, isCounter ?? false, { startTimeUnixNano, timeUnixNano, value });
  });
  return create(ResourceMetricsSchema, {
    resource: {
      attributes: [
        { key: "camera.id", value: { value: { case: "stringValue", value: cameraId } } },
      ],
    },
    scopeMetrics: [{ scope: { name: "camera" }, metrics }],
  });
}

function metricOf(
  name: string,
  isCounter: boolean,
  point: MessageInitShape<typeof NumberDataPointSchema>,
): Metric {
  const dataPoints = [point];
  const aggregationTemporality = AggregationTemporality.CUMULATIVE;
  return create(MetricSchema, {
    name,
    unit: "1",
    data: isCounter
      ? { case: "sum", value: { dataPoints, isMonotonic: true, aggregationTemporality } }
      : { case: "gauge", value: { dataPoints } },
  });
}
