import type { Camera } from "@glassline/proto/query";
import { CameraState } from "@glassline/proto/query";

/** Names of cameras that are not heard. */
export function silentOf(cameras: readonly Camera[]): string[] {
  return cameras
    .filter(({ state }) => state === CameraState.SILENT)
    .map(({ cameraId }) => cameraId);
}
