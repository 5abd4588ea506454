import type { StepStateName } from "./deployments.ts";

/** A shape for each state, so that colour is never alone: ring, hand of a clock, tick, triangle, dash. */
export function StepGlyph({ state }: { state: StepStateName }) {
  return (
    <svg class={`glyph step-glyph is-${state}`} viewBox="0 0 12 12" aria-hidden="true">
      {state === "waiting" && <circle class="ring" cx="6" cy="6" r="4" />}
      {state === "running" && (
        <>
          <circle class="ring" cx="6" cy="6" r="4" />
          <path class="bar" d="M6 3.6V6l1.6 1.2" />
        </>
      )}
      {state === "done" && <path class="bar" d="M2 6.4 4.9 9.2 10 3.2" />}
      {state === "failed" && <path d="M6 .8 11.5 10.8H.5z" />}
      {state === "skipped" && <path class="bar" d="M2.5 6h7" />}
    </svg>
  );
}
