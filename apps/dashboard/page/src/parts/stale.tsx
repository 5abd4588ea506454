import type { ComponentChildren } from "preact";

import { isAway } from "../api/is-away.ts";
import { isStale, type Polled } from "../api/use-poll.ts";
import { ageText, clock } from "../format/time.ts";

interface StaleProps {
  of: Polled<unknown>;
  children: ComponentChildren;
  /** False where another part of the page says it already. */
  isNoted?: boolean;
}

/** Dims what is inside when it is old, and says how old. */
export function Stale({ of, children, isNoted = true }: StaleProps) {
  const stale = isStale(of);
  return (
    <div class={stale ? "stale is-stale" : "stale"}>
      {stale && isNoted && <StaleNote of={of} />}
      <div class="stale-body">{children}</div>
    </div>
  );
}

function StaleNote({ of }: { of: Polled<unknown> }) {
  const { receivedMs = 0, error } = of;
  return (
    <p class="stale-note">
      <span class="stale-age">
        As of {clock(receivedMs)}, {ageText(Date.now() - receivedMs)} ago
      </span>
      {error && !isAway(error) && <span class="stale-why">{error.message}</span>}
    </p>
  );
}
