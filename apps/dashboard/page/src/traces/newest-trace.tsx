import type { TraceSummary } from "@glassline/proto/query";
import { useState } from "preact/hooks";

import { query } from "../api/clients.ts";
import { usePoll } from "../api/use-poll.ts";
import { Stale } from "../parts/stale.tsx";
import { spanName } from "./trace-name.ts";
import { Waterfall } from "./waterfall.tsx";

/** Slow enough to read one before the next comes. */
const FOLLOW_INTERVAL_MS = 4_000;
/** A trace whose last spans are still under way has fewer spans than most; then the one before it is shown. */
const COMPLETE_SHARE = 0.8;

/** The newest complete trace; it follows, until it is held. */
export function NewestTrace({ traces }: { traces: TraceSummary[] }) {
  const [heldId, setHeldId] = useState<string>();
  const traceId = heldId ?? newestComplete(traces)?.traceId;
  const trace = usePoll(
    "newest trace",
    async (signal) => (traceId ? query.getTrace({ traceId }, signal) : undefined),
    FOLLOW_INTERVAL_MS,
  );
  const summary = trace.data?.summary;
  if (!trace.data || !summary)
    return (
      <div class="skeletons" aria-hidden="true">
        <span class="skeleton" />
      </div>
    );
  const name = summary.cameraId || spanName(trace.data);
  return (
    <section class="newest panel" aria-label="Newest trace">
      <header>
        <h2>{heldId ? "Held trace" : "Newest trace"}</h2>
        <a class="camera-id" href={`/traces/${summary.traceId}`} title={name}>
          {name}
        </a>
        <button
          type="button"
          class="quiet-button"
          aria-pressed={heldId !== undefined}
          onClick={() => setHeldId(heldId ? undefined : summary.traceId)}
        >
          {heldId ? "Follow again" : "Hold"}
        </button>
      </header>
      <Stale of={{ ...trace, receivedMs: trace.error ? trace.receivedMs! : Date.now() }}>
        <Waterfall trace={trace.data} />
      </Stale>
    </section>
  );
}

function newestComplete(traces: readonly TraceSummary[]): TraceSummary | undefined {
  const most = Math.max(0, ...traces.map(({ spanCount }) => spanCount));
  return traces.find(({ spanCount }) => spanCount >= most * COMPLETE_SHARE) ?? traces[0];
}
