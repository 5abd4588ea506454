import type { GetLatestResponse } from "@glassline/proto/query";

import { counted } from "../format/plural.ts";
import { ageText, clock, millisecondsOf } from "../format/time.ts";
import { StateGlyph } from "../parts/state-glyph.tsx";
import { stateName } from "../parts/state-name.ts";

const RECENT_MS = 3_000;

/** Id, state and attributes of a camera. */
export function CameraHeader({
  cameraId,
  latest,
}: {
  cameraId: string;
  latest: GetLatestResponse;
}) {
  const { camera, samples, nowUnixNano } = latest;
  const state = stateName(camera?.state ?? 0);
  const heardMs = millisecondsOf(camera?.lastReceivedUnixNano ?? 0n);
  const ageMs = millisecondsOf(nowUnixNano) - heardMs;
  const attributes = Object.entries(camera?.attributes ?? {}).toSorted(([left], [right]) =>
    left.localeCompare(right),
  );
  return (
    <header class="camera-header">
      <div class="camera-title">
        <h1 class="camera-id" title={cameraId}>
          {cameraId}
        </h1>
        <span class={`state-badge is-${state}`}>
          <StateGlyph state={state} /> {state}
          {state === "silent" && heardMs > 0 && ` since ${clock(heardMs)}`}
        </span>
        {camera?.attributes["camera.source"] === "gopro" && <span class="tag">recording</span>}
        {camera?.attributes["camera.source"] === "simulated" && (
          <span class="tag is-quiet">simulated</span>
        )}
      </div>
      {camera?.reason && <p class={`camera-reason is-${state}`}>{camera.reason}</p>}
      <dl class="attributes">
        <Attribute name="last heard" value={heardText(heardMs, ageMs)} />
        <Attribute name="measures" value={counted(samples.length, "value")} />
        {attributes.map(([name, value]) => (
          <Attribute key={name} name={name} value={value} />
        ))}
      </dl>
    </header>
  );
}

/** The time itself, so that it stays true when the page is stale; and its age once that matters. */
function heardText(heardMs: number, ageMs: number): string {
  if (heardMs === 0) return "never";
  return ageMs < RECENT_MS ? clock(heardMs) : `${clock(heardMs)}, ${ageText(ageMs)} ago`;
}

function Attribute({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
