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

import type { Wanted } from "./blocks/chunk-points.ts";
import type { Gap, Window } from "./core/gaps.ts";
import {
  GAPS_MAX,
  PACE_POINTS,
  byBegin,
  gapsIn,
  holeLeastNano,
  holesIn,
  toldGaps,
} from "./core/gaps.ts";
import { Points } from "./core/points.ts";
import { LATEST_TIME, requireOrder } from "./core/times.ts";
import type { PointDeps } from "./series-points.ts";
import { seriesPoints } from "./series-points.ts";

/** What a camera that lives reports at its pace. */
const PACE_METRICS = [METRIC_CAMERA_STATUS, METRIC_CAMERA_UPTIME] as const;
const TOLD_BOUND = { points: 200_000, beyond: "refuse" } as const;
const PACE_BOUND = { points: 4_194_304, beyond: "refuse" } as const;
/** How far before a window the begin is looked for of what reaches into it. Said in query.proto. */
const LOOK_BACK_NANO = 86_400_000_000_000n;
/** A camera's last samples before a window are looked for so far back, then farther. */
const LOOK_BACK_STEPS_NANO = [60_000_000_000n, 3_600_000_000_000n, LOOK_BACK_NANO];

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
  const window = { from, to: toUnixNano || LATEST_TIME };
  requireOrder(window.from, window.to);
  const { gaps, ...pace }: FoundGaps =
    cameraId === ""
      ? { gaps: await toldByAll(deps, window, signal) }
      : await gapsOf(deps, cameraId, window, signal);
  gaps.sort(byBegin);
  return {
    gaps: gaps.slice(0, GAPS_MAX).map(wireGap),
    truncated: gaps.length > GAPS_MAX,
    ...pace,
  };
}

interface FoundGaps {
  gaps: Gap[];
  /** When holes were looked for: from where on, and how long they are at least. */
  pacedFromUnixNano?: bigint;
  holeLeastNano?: bigint;
}

async function toldByAll(deps: GapDeps, window: Window, signal: AbortSignal): Promise<Gap[]> {
  const gaps: Gap[] = [];
  for (const cameraId of camerasWithGaps(deps)) {
    gaps.push(...gapsIn(await toldBy(deps, cameraId, window, signal), window));
    if (gaps.length > GAPS_MAX) break;
  }
  return gaps;
}

function camerasWithGaps({ fleet: { cameras, table } }: GapDeps): string[] {
  const marks = table.quantitiesOf(METRIC_CAMERA_GAP_DURATION);
  return [...cameras.values()]
    .filter((camera) =>
      table.slotsOfCamera(camera).some((slot) => marks[table.quantityOf[slot]!] === 1),
    )
    .map(({ cameraId }) => cameraId);
}

async function gapsOf(
  deps: GapDeps,
  cameraId: string,
  window: Window,
  signal: AbortSignal,
): Promise<FoundGaps> {
  const told = await toldBy(deps, cameraId, window, signal);
  const shown = gapsIn(told, window);
  // One that was forgotten still has what is in blocks.
  let isKnown = deps.fleet.cameras.has(cameraId) || told.length > 0;
  for (const metric of PACE_METRICS) {
    const times = await paceOf(deps, { cameraId, metrics: [metric], ...window }, signal);
    isKnown ||= times.length > 0;
    if (times.length < PACE_POINTS) continue;
    const now = deps.clock.nowUnixNano();
    return {
      gaps: shown.concat(holesIn(cameraId, times, told, { ...window, now })),
      pacedFromUnixNano: times.timeUnixNano(0),
      holeLeastNano: BigInt(Math.ceil(holeLeastNano(times))),
    };
  }
  if (!isKnown)
    throw new RpcError(
      "not_found",
      `camera ${JSON.stringify(cameraId)}: nothing has come from it at that time`,
    );
  return { gaps: shown };
}

/** What the camera told that may reach into the window. It is told with what came when the gap was over. */
async function toldBy(
  deps: GapDeps,
  cameraId: string,
  { from, to }: Window,
  signal: AbortSignal,
): Promise<Gap[]> {
  const metrics = [METRIC_CAMERA_GAP_DURATION, METRIC_CAMERA_GAP_REPORTS];
  const wanted = { cameraId, metrics, from: before(from, LOOK_BACK_NANO), to, besides: from };
  const found = await seriesPoints(deps, wanted, signal, TOLD_BOUND);
  const [durations, reports] = metrics.map((metric) =>
    found
      .filter(({ series }) => series.metric === metric)
      .map(({ series: { attributes }, points }) => ({ attributes, points })),
  );
  return toldGaps(cameraId, durations!, reports!);
}

/** The times of a metric in the window, and so many before it that they tell the pace: there are some, if it was not silent for long. */
async function paceOf(deps: GapDeps, wanted: Wanted, signal: AbortSignal): Promise<Points> {
  const pace = new Points();
  for (const stepNano of wanted.from === 0n ? [] : LOOK_BACK_STEPS_NANO) {
    const earlier = { ...wanted, from: before(wanted.from, stepNano), to: wanted.from };
    const [first] = await seriesPoints(deps, earlier, signal, PACE_BOUND);
    if (!first) continue;
    if (first.points.length >= PACE_POINTS || stepNano === LOOK_BACK_NANO) {
      pace.append(first.points.last(PACE_POINTS));
      break;
    }
  }
  const [first] = await seriesPoints(deps, wanted, signal, PACE_BOUND);
  if (first) pace.append(first.points);
  return pace;
}

const before = (unixNano: bigint, nano: bigint): bigint => (unixNano > nano ? unixNano - nano : 0n);

function wireGap({ cause, reports, ...gap }: Gap): MessageInitShape<typeof GapSchema> {
  return {
    ...gap,
    cause: CAUSES[cause] ?? GapCause.UNSPECIFIED,
    reports: BigInt(Math.max(0, Math.round(reports) || 0)),
  };
}
