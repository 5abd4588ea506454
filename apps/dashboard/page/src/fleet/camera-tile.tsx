import { METRICS } from "@glassline/telemetry/conventions";

import { quantity } from "../format/quantity.ts";
import { ageText, clock } from "../format/time.ts";
import { PictureMark } from "../parts/picture-mark.tsx";
import { StateGlyph } from "../parts/state-glyph.tsx";
import { cameraPath } from "../shell/place.ts";
import { type FleetCamera, HEADLINE_METRICS } from "./fleet.ts";

const TILE_VALUES = 2;
const RECORDING_VALUES = 4;

/** A camera with its id and headline values, or what is wrong with it. */
export function CameraTile({ camera, nowMs }: { camera: FleetCamera; nowMs: number }) {
  const { id, state, recording } = camera;
  return (
    <a
      class={`tile is-${state} ${recording ? "is-recording" : ""}`}
      href={cameraPath(id)}
      data-testid={`camera-${id}`}
    >
      <span class="tile-head">
        <StateGlyph state={state} />
        <span class="camera-id" title={id}>
          {id}
        </span>
        <span class="visually-hidden">{state}</span>
        {camera.hasPicture && <PictureMark />}
        {recording && <span class="tag">recording</span>}
      </span>
      {recording && (
        <span class="tile-about">
          {camera.about}, {camera.seriesCount} series
        </span>
      )}
      {state === "live" ? <Headlines camera={camera} /> : <Problem camera={camera} nowMs={nowMs} />}
    </a>
  );
}

function Headlines({ camera: { values, recording } }: { camera: FleetCamera }) {
  const shown = HEADLINE_METRICS.filter((metric) => metric in values);
  return (
    <span class="tile-values">
      {shown.slice(0, recording ? RECORDING_VALUES : TILE_VALUES).map((metric) => {
        const { label, unit } = METRICS[metric]!;
        const { text, unit: shownUnit } = quantity(values[metric]!, unit);
        return (
          <span key={metric} title={label}>
            <span class="tile-label">{shortLabel(label)}</span>
            <span class="tile-value">
              {text}
              {shownUnit && <small> {shownUnit}</small>}
            </span>
          </span>
        );
      })}
    </span>
  );
}

function Problem({
  camera: { state, reason, lastReceivedMs },
  nowMs,
}: {
  camera: FleetCamera;
  nowMs: number;
}) {
  const since = state === "silent" && lastReceivedMs > 0;
  return (
    <span class="tile-problem">
      {since
        ? `silent for ${ageText(nowMs - lastReceivedMs)}, since ${clock(lastReceivedMs)}`
        : reason || state}
    </span>
  );
}

function shortLabel(label: string): string {
  return label.replace(" temperature", "");
}
