import { useState } from "preact/hooks";

import { query } from "../api/clients.ts";
import { usePoll } from "../api/use-poll.ts";
import { counted } from "../format/plural.ts";
import { FilterField } from "../parts/filter-field.tsx";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { matches } from "../parts/text-match.ts";
import { useTitle } from "../shell/use-title.ts";
import { NewestTrace } from "./newest-trace.tsx";
import { TraceTable } from "./trace-table.tsx";

const TRACES_MAX = 100;
const INTERVAL_MS = 2_000;

/** Recent measurements on their way, the newest in full. */
export function TracesPage() {
  useTitle("Traces");
  const [text, setText] = useState("");
  const list = usePoll(
    "traces",
    (signal) => query.listTraces({ limit: TRACES_MAX }, signal),
    INTERVAL_MS,
  );
  if (!list.data) return <Loading shapes={6} error={list.error} />;
  const { traces } = list.data;
  const shown = traces.filter(
    ({ cameraId, traceId }) => text === "" || matches(`${cameraId} ${traceId}`, text),
  );
  return (
    <>
      <header class="page-header">
        <h1>Traces</h1>
        <p>The way of a measurement, hop by hop. A sample of all reports is traced.</p>
      </header>
      {traces.length === 0 ? (
        <p class="nothing">
          No trace yet. One appears as soon as a traced report has reached the collector.
        </p>
      ) : (
        <>
          <NewestTrace traces={traces} />
          <Stale of={list}>
            <div class="controls">
              <FilterField label="Filter by camera or trace id …" value={text} onChange={setText} />
              <p class="controls-count" role="status">
                {shown.length === traces.length
                  ? `the newest ${counted(traces.length, "trace")}`
                  : `${shown.length} of the newest ${counted(traces.length, "trace")}`}
              </p>
            </div>
            <TraceTable traces={shown} />
          </Stale>
        </>
      )}
    </>
  );
}
