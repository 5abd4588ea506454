import { compact } from "../format/quantity.ts";
import { ageText, clock } from "../format/time.ts";
import { PictureMark } from "../parts/picture-mark.tsx";
import { StateGlyph } from "../parts/state-glyph.tsx";
import { cameraPath } from "../shell/place.ts";
import type { FleetCamera } from "./fleet.ts";

const RECENT_MS = 3_000;

/** A camera as a row of the table. */
export function CameraRow({ camera, nowMs }: { camera: FleetCamera; nowMs: number }) {
  const { id, state, recording, about, reason, seriesCount, lastReceivedMs } = camera;
  return (
    <tr class={`is-${state}`}>
      <th scope="row">
        <a class="camera-id" href={cameraPath(id)} title={id} data-testid={`camera-${id}`}>
          {id}
        </a>
        {camera.hasPicture && <PictureMark />}
        {recording && <span class="tag">recording</span>}
      </th>
      <td class="wide-only">{about}</td>
      <td>
        <span class="state-text">
          <StateGlyph state={state} /> {state}
        </span>
        {reason && <span class="row-reason">{reason}</span>}
      </td>
      <td class="number wide-only">{compact(seriesCount)}</td>
      <td class="number">{heardText(lastReceivedMs, nowMs)}</td>
    </tr>
  );
}

function heardText(lastReceivedMs: number, nowMs: number): string {
  if (lastReceivedMs === 0) return "never";
  const ageMs = nowMs - lastReceivedMs;
  return ageMs < RECENT_MS ? clock(lastReceivedMs) : `${ageText(ageMs)} ago`;
}
