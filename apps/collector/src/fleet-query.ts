/** A metric over all cameras: from the rollups of blocks, and from memory what is in no block yet. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import type { AggregateFleetRequest, AggregateFleetResponseSchema } from "@glassline/proto/query";

import { requireMetric } from "./camera-query.ts";
import { Rollup, minuteOf } from "./core/rollup.ts";
import { LATEST_TIME, requireOrder } from "./core/times.ts";
import type { PointDeps } from "./series-points.ts";

const MINUTE_NANO = 60_000_000_000n;
const STEPS_MAX = 100_000;

export async function aggregateFleet(
  { fleet, blocks }: PointDeps,
  { metric, fromUnixNano, toUnixNano, stepMinutes }: AggregateFleetRequest,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof AggregateFleetResponseSchema>> {
  requireOrder(fromUnixNano, toUnixNano || LATEST_TIME);
  requireMetric(metric);
  const rollup = new Rollup({
    fromMinute: minuteOf(fromUnixNano),
    toMinute: toUnixNano === 0n ? Number.POSITIVE_INFINITY : minuteOf(toUnixNano),
    stepMinutes: Math.max(1, stepMinutes),
    stepsMax: STEPS_MAX,
  });
  const missing = await blocks.rollUp(metric, fleet.recent.firstIndex, rollup, signal);
  const slots = fleet.table.slotsOfMetric(metric);
  fleet.recent.rollUp(slots, missing, rollup);
  if (!rollup.isKnown && !slots.includes(1))
    throw new RpcError("not_found", `metric ${JSON.stringify(metric)}: no camera has it`);
  if (rollup.isFull)
    throw new RpcError(
      "invalid_argument",
      `step_minutes: got ${stepMinutes}, which makes more than ${STEPS_MAX} steps, expected at most so many`,
    );
  const steps = rollup.inOrder();
  return {
    timeUnixNano: steps.map(([minute]) => BigInt(minute) * MINUTE_NANO),
    count: steps.map(([, { count }]) => BigInt(count)),
    sum: steps.map(([, { sum }]) => sum),
    least: steps.map(([, { least }]) => least),
    greatest: steps.map(([, { greatest }]) => greatest),
  };
}
