/** A range of one metric of one camera. */
import type { Series } from "@glassline/otqmn/sample";
import { Encoded } from "@glassline/proto/encoded";
import { RpcError } from "@glassline/proto/errors";
import type { QueryRangeRequest } from "@glassline/proto/query";
import { QueryRangeResponseSchema } from "@glassline/proto/query";
import type { Clock } from "@glassline/service/clock";

import { requireCamera, requireMetric, wireSeries } from "./camera-query.ts";
import type { RangeOfSeries } from "./core/range-answer.ts";
import { encodeRanges } from "./core/range-answer.ts";
import { thin } from "./core/thin.ts";
import { LATEST_TIME, requireOrder } from "./core/times.ts";
import type { OrderedPoints, PointDeps } from "./series-points.ts";
import { seriesPoints } from "./series-points.ts";

const POINTS_MAX = 100_000;
const BOUND = { points: 4_194_304, beyond: "thin" } as const;

export interface RangeDeps extends PointDeps {
  clock: Clock;
}

/** How many points of a series are answered when so many are asked for; 0: any. */
export const pointsMax = (points: number) => Math.min(points || POINTS_MAX, POINTS_MAX);

export async function queryRange(
  deps: RangeDeps,
  { cameraId, metric, attributes, fromUnixNano: from, toUnixNano, maxPoints }: QueryRangeRequest,
  signal: AbortSignal,
): Promise<Encoded<typeof QueryRangeResponseSchema>> {
  const to = toUnixNano || LATEST_TIME;
  requireOrder(from, to);
  requireMetric(metric);
  const found = await seriesPoints(deps, { cameraId, metrics: [metric], from, to }, signal, BOUND);
  const wanted = found.filter(({ series }) => hasAttributes(series, attributes));
  if (wanted.length === 0) {
    // One that was forgotten still has what is in blocks.
    requireCamera(deps.fleet, cameraId);
    throw new RpcError(
      "not_found",
      `metric ${JSON.stringify(metric)}: camera ${cameraId} has no such series`,
    );
  }
  const ranges = wanted.map((one) => rangeOf(one, maxPoints));
  return new Encoded(QueryRangeResponseSchema, encodeRanges(ranges, deps.clock.nowUnixNano()));
}

function rangeOf({ series, points, isThinned }: OrderedPoints, maxPoints: number): RangeOfSeries {
  const kept = thin(points, pointsMax(maxPoints));
  const thinned = isThinned || kept.length < points.length;
  return { about: { series: wireSeries(series), thinned }, points: kept };
}

function hasAttributes(series: Series, attributes: Readonly<Record<string, string>>): boolean {
  return Object.entries(attributes).every(([key, value]) => series.attributes[key] === value);
}
