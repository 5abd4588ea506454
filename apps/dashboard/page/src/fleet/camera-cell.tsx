import { useMemo } from "preact/hooks";

import { StateGlyph } from "../parts/state-glyph.tsx";
import { cameraPath } from "../shell/place.ts";
import type { FleetCamera } from "./fleet.ts";

/** A camera as a small square: shape and colour tell its state. */
export function CameraCell({ camera: { id, state, reason, recording } }: { camera: FleetCamera }) {
  const title = [id, recording && "recording", state, reason].filter(Boolean).join(" · ");
  // The same element as before is skipped when rendering: 2,000 cells cost next to nothing while nothing changes.
  return useMemo(
    () => (
      <a
        class={`cell is-${state} ${recording ? "is-recording" : ""}`}
        href={cameraPath(id)}
        data-testid={`camera-${id}`}
        aria-label={title}
        title={title}
      >
        <StateGlyph state={state} />
      </a>
    ),
    [id, state, title],
  );
}
