/** Cameras as the query API shows them: all with their state, or one with the latest of each series. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Series } from "@glassline/otqmn/sample";
import { SeriesKind } from "@glassline/proto/camera";
import { Encoded } from "@glassline/proto/encoded";
import { RpcError } from "@glassline/proto/errors";
import type {
  CameraSchema,
  GetLatestRequest,
  GetLatestResponseSchema,
  ListCamerasRequest,
} from "@glassline/proto/query";
import { ListCamerasResponseSchema } from "@glassline/proto/query";
import type { Clock } from "@glassline/service/clock";

import { WIRE_STATES, encodeCameraList } from "./core/camera-list.ts";
import type { Fleet } from "./core/fleet.ts";
import type { CameraState } from "./core/series-table.ts";

const HEADLINE_METRICS_MAX = 16;

const WIRE_KINDS = {
  gauge: SeriesKind.GAUGE,
  counter: SeriesKind.COUNTER,
  state: SeriesKind.STATE,
} as const;

export interface CameraDeps {
  fleet: Fleet;
  clock: Clock;
  /** A camera that has been silent for so long is not listed. */
  forgetAfterMs: number;
}

export function listCameras(
  { fleet, clock, forgetAfterMs }: CameraDeps,
  { metrics }: ListCamerasRequest,
): Encoded<typeof ListCamerasResponseSchema> {
  if (metrics.length > HEADLINE_METRICS_MAX) {
    throw new RpcError(
      "invalid_argument",
      `metrics: got ${metrics.length}, expected at most ${HEADLINE_METRICS_MAX}`,
    );
  }
  const listed = { fleet, forgetAfterMs, nowMs: clock.nowMs() };
  const bytes = encodeCameraList(listed, metrics, clock.nowUnixNano());
  return new Encoded(ListCamerasResponseSchema, bytes);
}

export function getLatest(
  { fleet, clock }: Pick<CameraDeps, "fleet" | "clock">,
  { cameraId }: GetLatestRequest,
): MessageInitShape<typeof GetLatestResponseSchema> {
  const camera = requireCamera(fleet, cameraId);
  const samples = fleet.table.slotsOfCamera(camera).flatMap((slot) => {
    const latest = fleet.table.latest(slot);
    return latest ? [{ series: wireSeries(fleet.table.series(slot)), ...latest }] : [];
  });
  return {
    camera: wireCamera(fleet, camera, clock.nowMs()),
    samples,
    nowUnixNano: clock.nowUnixNano(),
  };
}

export function requireCamera(fleet: Fleet, cameraId: string): CameraState {
  if (cameraId === "")
    throw new RpcError("invalid_argument", "camera_id: got nothing, expected the id of a camera");
  const camera = fleet.cameras.get(cameraId);
  if (!camera)
    throw new RpcError("not_found", `camera ${JSON.stringify(cameraId)}: nothing has come from it`);
  return camera;
}

export function requireMetric(metric: string): void {
  if (metric === "")
    throw new RpcError("invalid_argument", "metric: got nothing, expected the name of a metric");
}

function wireCamera(
  fleet: Fleet,
  camera: CameraState,
  nowMs: number,
): MessageInitShape<typeof CameraSchema> {
  const health = fleet.health(camera, nowMs);
  return {
    cameraId: camera.cameraId,
    state: WIRE_STATES[health.state],
    reason: health.state === "live" ? "" : health.reason,
    lastReceivedUnixNano: BigInt(Math.round(camera.lastReceivedMs)) * 1_000_000n,
    attributes: camera.attributes,
    seriesCount: camera.seriesCount,
  };
}

export function wireSeries({ cameraId, metric, unit, kind, attributes }: Series) {
  return { cameraId, metric, unit, kind: WIRE_KINDS[kind], attributes };
}
