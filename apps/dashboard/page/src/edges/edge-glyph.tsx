import type { EdgeStateName } from "./edge-phase.ts";

/** A shape for each state, so that colour is never alone. */
export function EdgeGlyph({ state }: { state: EdgeStateName }) {
  return (
    <svg class="glyph" viewBox="0 0 12 12" aria-hidden="true">
      {state === "ready" && <circle cx="6" cy="6" r="3.5" />}
      {(state === "unready" || state === "away") && <path d="M6 .8 11.5 10.8H.5z" />}
      {(state === "starting" || state === "waiting") && (
        <>
          <circle class="ring" cx="6" cy="6" r="4" />
          <path class="bar" d="M6 3.6V6l1.6 1.2" />
        </>
      )}
      {state === "stopping" && <path d="M2.5 2.5h7v7h-7z" />}
    </svg>
  );
}
