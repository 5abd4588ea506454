/** The gap ledger: which seconds of which camera are missing, and why. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { GapCause } from "@glassline/proto/camera";
import { RpcError } from "@glassline/proto/errors";
import type { GapSchema, ListGapsRequest, ListGapsResponseSchema } from "@glassline/proto/query";
import type { Clock } from "@glassline/service/clock";
import {
  METRIC_CAMERA_GAP_DURATION,
  METRIC_CAMERA_GAP_REPORTS,
  METRIC_CAMERA_STATUS,
  METRIC_CAMERA_UPTIME,
} from "@glassline/telemetry/conventions";

import type { Gap } from "./core/gaps.ts";
import { holesIn, toldGaps } from "./core/gaps.ts";
import type { GapSeries } from "./core/gaps.ts";
import { LATEST_TIME } from "./core/times.ts";
import type { PointDeps } from "./series-points.ts";
import { seriesPoints } from "./series-points.ts";

const GAPS_MAX = 10_000;
/** What a camera that lives reports at its pace. */
const PACE_METRICS = [METRIC_CAMERA_STATUS, METRIC_CAMERA_UPTIME] as const;

const CAUSES: Readonly<Record<string, GapCause>> = {
  camera: GapCause.CAMERA,
  mesh: GapCause.MESH,
  collector: GapCause.COLLECTOR,
};

export interface GapDeps extends PointDeps {
  clock: Clock;
}

export async function listGaps(
  deps: GapDeps,
  { cameraId, fromUnixNano: from, toUnixNano }: ListGapsRequest,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof ListGapsResponseSchema>> {
  if (cameraId !== "" && !deps.fleet.cameras.has(cameraId))
    throw new RpcError("not_found", `camera ${JSON.stringify(cameraId)}: nothing has come from it`);
  const bounds = { from, to: toUnixNano || LATEST_TIME };
  const gaps: Gap[] = [];
  for (const camera of cameraId === "" ? camerasWithGaps(deps) : [cameraId]) {
    gaps.push(...(await gapsOf(deps, camera, bounds, cameraId !== "", signal)));
    if (gaps.length > GAPS_MAX) break;
  }
  gaps.sort((a, b) => (a.fromUnixNano < b.fromUnixNano ? -1 : 1));
  return { gaps: gaps.slice(0, GAPS_MAX).map(wireGap), truncated: gaps.length > GAPS_MAX };
}

function camerasWithGaps({ fleet: { cameras, table } }: GapDeps): string[] {
  const marks = table.quantitiesOf(METRIC_CAMERA_GAP_DURATION);
  return [...cameras.values()]
    .filter(({ slots }) => slots.some((slot) => marks[table.quantityOf[slot]!] === 1))
    .map(({ cameraId }) => cameraId);
}

interface Bounds {
  from: bigint;
  to: bigint;
}

async function gapsOf(
  deps: GapDeps,
  cameraId: string,
  { from, to }: Bounds,
  withHoles: boolean,
  signal: AbortSignal,
): Promise<Gap[]> {
  const series = async (metric: string): Promise<GapSeries[]> => {
    const found = await seriesPoints(deps, { cameraId, metric, from, to }, signal);
    return found.map(({ series: { attributes }, points }) => ({ attributes, points }));
  };
  const durations = await series(METRIC_CAMERA_GAP_DURATION);
  const told = toldGaps(cameraId, durations, await series(METRIC_CAMERA_GAP_REPORTS));
  if (!withHoles) return told;
  for (const metric of PACE_METRICS) {
    const [paced] = await series(metric);
    if (!paced) continue;
    const now = deps.clock.nowUnixNano();
    const times = paced.points.map(({ timeUnixNano }) => timeUnixNano);
    return told.concat(holesIn(cameraId, times, told, to < now ? to : now));
  }
  return told;
}

function wireGap({ cause, reports, ...gap }: Gap): MessageInitShape<typeof GapSchema> {
  return {
    ...gap,
    cause: CAUSES[cause] ?? GapCause.UNSPECIFIED,
    reports: BigInt(Math.max(0, Math.round(reports) || 0)),
  };
}
