import type { ComponentChildren } from "preact";

import { isAway } from "../api/is-away.ts";
import { isStale, type Polled } from "../api/use-poll.ts";
import { ageText, clock } from "../format/time.ts";

/** Dims what is inside when it is old, and says how old. */
export function Stale({ of, children }: { of: Polled<unknown>; children: ComponentChildren }) {
  const stale = isStale(of);
  return (
    <div class={stale ? "stale is-stale" : "stale"}>
      {stale && <StaleNote of={of} />}
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
