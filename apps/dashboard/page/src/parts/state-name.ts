import { CameraState } from "@glassline/proto/query";

export type StateName = "live" | "fault" | "silent" | "unknown";

/** A camera's state in one word. */
export function stateName(state: CameraState): StateName {
  if (state === CameraState.LIVE) return "live";
  if (state === CameraState.FAULT) return "fault";
  return state === CameraState.SILENT ? "silent" : "unknown";
}
