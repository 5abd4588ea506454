import type { StateName } from "./state-name.ts";

/** A shape for each state, so that colour is never alone: disc, triangle, crossed ring. */
export function StateGlyph({ state }: { state: StateName }) {
  return (
    <svg class={`glyph is-${state}`} viewBox="0 0 12 12" aria-hidden="true">
      {state === "live" && <circle cx="6" cy="6" r="3.5" />}
      {state === "fault" && <path d="M6 .8 11.5 10.8H.5z" />}
      {state === "silent" && (
        <>
          <circle class="ring" cx="6" cy="6" r="4" />
          <path class="bar" d="M3.2 8.8l5.6-5.6" />
        </>
      )}
      {state === "unknown" && <circle class="ring" cx="6" cy="6" r="3.5" />}
    </svg>
  );
}
