import type { CheckStateName } from "./checks.ts";

/** A shape for each state, so that colour is never alone: disc, triangle, cross, ring. */
export function CheckGlyph({ state }: { state: CheckStateName }) {
  return (
    <svg class={`glyph is-${state}`} viewBox="0 0 12 12" aria-hidden="true">
      {state === "ok" && <circle cx="6" cy="6" r="3.5" />}
      {state === "warning" && <path d="M6 .8 11.5 10.8H.5z" />}
      {state === "critical" && <path d="M3.8 .5h4.4l3.3 3.3v4.4l-3.3 3.3H3.8L.5 8.2V3.8z" />}
      {state === "unknown" && <circle class="ring" cx="6" cy="6" r="4" />}
    </svg>
  );
}
