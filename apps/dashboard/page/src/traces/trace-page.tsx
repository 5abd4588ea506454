import { query } from "../api/clients.ts";
import { usePoll } from "../api/use-poll.ts";
import { clock, millisecondsOf } from "../format/time.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { cameraPath } from "../shell/place.ts";
import { NotFoundPage } from "../shell/not-found-page.tsx";
import { useTitle } from "../shell/use-title.ts";
import { spanName } from "./trace-name.ts";
import { Waterfall } from "./waterfall.tsx";

/** A trace may still grow: its last spans arrive after the first ones. */
const INTERVAL_MS = 3_000;

/** One measurement's way. */
export function TracePage({ traceId }: { traceId: string }) {
  useTitle(`Trace ${traceId.slice(0, 8)}`);
  const trace = usePoll(
    `trace ${traceId}`,
    (signal) => query.getTrace({ traceId }, signal),
    INTERVAL_MS,
  );
  const unknown = trace.error?.code === "not_found" || trace.error?.code === "invalid_argument";
  if (!trace.data && unknown) return <UnknownTrace traceId={traceId} />;
  const summary = trace.data?.summary;
  return (
    <>
      <nav class="crumbs" aria-label="Way back">
        <a href="/traces">← Traces</a>
      </nav>
      <header class="page-header">
        <h1 class="trace-title">{traceId}</h1>
        {summary && (
          <p>
            {summary.cameraId ? (
              <>
                A measurement of{" "}
                <a class="camera-id" href={cameraPath(summary.cameraId)} title={summary.cameraId}>
                  {summary.cameraId}
                </a>
              </>
            ) : (
              spanName(trace.data!)
            )}{" "}
            at {clock(millisecondsOf(summary.startUnixNano))}
          </p>
        )}
      </header>
      {trace.data ? (
        <Stale of={trace}>
          <section class="panel">
            <Waterfall trace={trace.data} />
          </section>
        </Stale>
      ) : (
        <Loading shapes={3} error={trace.error} />
      )}
    </>
  );
}

function UnknownTrace({ traceId }: { traceId: string }) {
  return (
    <NotFoundPage
      title="No such trace"
      what={`The collector has no trace “${traceId}”. It keeps the newest ones only; this one may have been dropped since, or has not arrived yet.`}
    >
      <p>
        <a href="/traces">See the traces that are there</a>
      </p>
    </NotFoundPage>
  );
}
