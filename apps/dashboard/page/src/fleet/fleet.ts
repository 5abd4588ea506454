import type { Camera } from "@glassline/proto/query";

import { compareNames } from "../format/order.ts";
import { millisecondsOf } from "../format/time.ts";
import { type StateName, stateName } from "../parts/state-name.ts";
import { matches } from "../parts/text-match.ts";
import type { FleetLayout } from "./use-fleet-layout.ts";

/** Latest values that the fleet page shows, in order of preference; a camera has some of them. */
export const HEADLINE_METRICS = [
  "camera.sensor.temperature",
  "camera.lens.focus.position",
  "camera.imu.temperature",
  "camera.imu.acceleration",
  "camera.sensor.iso",
  "camera.exposure.time",
  "camera.environment.temperature",
  "camera.environment.humidity",
  "camera.thermal.spot.temperature",
  "camera.motion.magnitude",
];

/** What only recordings have; they are shown as tiles in every layout but the table. */
const RECORDING_METRICS = [
  "camera.imu.temperature",
  "camera.imu.acceleration",
  "camera.sensor.iso",
  "camera.exposure.time",
];

/** Metrics whose values a layout shows: a fleet of thousands is asked for no more than that. */
export function metricsOf(layout: FleetLayout): string[] {
  if (layout === "table") return [];
  return layout === "cells" ? RECORDING_METRICS : HEADLINE_METRICS;
}

/** A camera as the fleet page needs it. */
export interface FleetCamera {
  id: string;
  state: StateName;
  recording: boolean;
  simulated: boolean;
  hasPicture: boolean;
  /** Model and source, for people. */
  about: string;
  reason: string;
  lastReceivedMs: number;
  seriesCount: number;
  values: Readonly<Record<string, number>>;
  searchText: string;
}

export type StateCounts = Readonly<Record<StateName, number>>;

const URGENCY: Readonly<Record<StateName, number>> = { fault: 0, silent: 1, unknown: 2, live: 3 };

/** All cameras, `withPicture` naming those whose picture is a live channel: those with a problem first, then recordings, then by id. */
export function fleetOf(
  cameras: readonly Camera[],
  withPicture: ReadonlySet<string>,
): FleetCamera[] {
  return cameras
    .map((camera) => fleetCameraOf(camera, withPicture.has(camera.cameraId)))
    .toSorted(byUrgency);
}

function fleetCameraOf(camera: Camera, hasPicture: boolean): FleetCamera {
  const { attributes } = camera;
  const source = attributes["camera.source"] ?? "";
  const model = attributes["device.model.name"] ?? attributes["device.model.identifier"] ?? "";
  return {
    id: camera.cameraId,
    state: stateName(camera.state),
    recording: source === "gopro",
    simulated: source === "simulated",
    hasPicture,
    about: model || source,
    reason: camera.reason,
    lastReceivedMs: millisecondsOf(camera.lastReceivedUnixNano),
    seriesCount: camera.seriesCount,
    values: camera.values,
    searchText: [camera.cameraId, camera.reason, ...Object.values(attributes)].join(" "),
  };
}

function byUrgency(left: FleetCamera, right: FleetCamera): number {
  return (
    URGENCY[left.state] - URGENCY[right.state] ||
    Number(right.recording) - Number(left.recording) ||
    compareNames(left.id, right.id)
  );
}

export function countStates(cameras: readonly FleetCamera[]): StateCounts {
  const counts = { live: 0, fault: 0, silent: 0, unknown: 0 };
  for (const { state } of cameras) counts[state]++;
  return counts;
}

/** Cameras whose state is chosen (none chosen: any) and whose text matches. */
export function filterFleet(
  cameras: readonly FleetCamera[],
  text: string,
  states: ReadonlySet<StateName>,
): FleetCamera[] {
  return cameras.filter(
    (camera) =>
      (states.size === 0 || states.has(camera.state)) &&
      (text === "" || matches(camera.searchText, text)),
  );
}
