import type { Deployment } from "@glassline/proto/opsbot";

import { preciseClock, millisecondsOf } from "../format/time.ts";
import { useServerClock } from "../shell/use-server-clock.ts";
import { type StepSpan, progressText, stepSpans, stepState, stepText } from "./deployments.ts";
import { StepGlyph } from "./step-glyph.tsx";

/** The steps of a deployment, as they go. */
export function DeploymentSteps({ deployment }: { deployment: Deployment }) {
  const nowMs = useServerClock()();
  const { steps } = deployment;
  return (
    <section class="panel" aria-label="Steps">
      <header class="panel-head">
        <h2>Steps</h2>
        <span class="quiet">{progressText(steps)}</span>
      </header>
      {steps.length === 0 ? (
        <p class="nothing">OpsBot has not said anything of its steps yet.</p>
      ) : (
        <ol class="steps" data-testid="steps">
          {stepSpans(steps, nowMs).map((span) => (
            <StepRow key={span.step.number} {...span} />
          ))}
        </ol>
      )}
    </section>
  );
}

function StepRow({ step, span, time }: StepSpan) {
  const state = stepState(step);
  return (
    <li class={`step is-${state}`} data-testid={`step-${step.name}`} data-state={state}>
      <StepGlyph state={state} />
      <span class="step-name">
        {step.number} {step.name} <span class="visually-hidden">({state})</span>
      </span>
      <p class="step-says">{stepText(step)}</p>
      <div class="step-track wide-only" aria-hidden="true">
        {span && (
          <span
            style={{ left: `${span.from * 100}%`, width: `${Math.max(0.8, span.length * 100)}%` }}
          />
        )}
      </div>
      <span
        class="step-time"
        title={time && `began ${preciseClock(millisecondsOf(step.beganUnixNano))}`}
      >
        {time}
      </span>
    </li>
  );
}
