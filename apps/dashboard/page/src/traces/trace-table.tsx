import type { TraceSummary } from "@glassline/proto/query";

import { durationText } from "../format/quantity.ts";
import { clock, millisecondsOf } from "../format/time.ts";
import { cameraPath } from "../shell/place.ts";

/** Traces, newest first. A bar compares how long each took. */
export function TraceTable({ traces }: { traces: TraceSummary[] }) {
  const longest = Math.max(1, ...traces.map(({ durationNano }) => Number(durationNano)));
  return (
    <table class="trace-table data-table">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Camera</th>
          <th scope="col">Total time</th>
          <th scope="col" class="number">
            Hops
          </th>
          <th scope="col" class="wide-only">
            Services
          </th>
        </tr>
      </thead>
      <tbody>
        {traces.map((trace) => (
          <TraceRow
            key={trace.traceId}
            trace={trace}
            share={Number(trace.durationNano) / longest}
          />
        ))}
      </tbody>
    </table>
  );
}

function TraceRow({ trace, share }: { trace: TraceSummary; share: number }) {
  const { traceId, cameraId, startUnixNano, durationNano, spanCount, services } = trace;
  return (
    <tr>
      <th scope="row">
        <a href={`/traces/${traceId}`} aria-label={`Trace ${traceId}`}>
          {clock(millisecondsOf(startUnixNano))}
        </a>
      </th>
      <td class="trace-camera">
        {cameraId ? (
          <a class="quiet-link camera-id" href={cameraPath(cameraId)} title={cameraId}>
            {cameraId}
          </a>
        ) : (
          <span class="quiet camera-id" title={services[0]}>
            {services[0]}
          </span>
        )}
      </td>
      <td class="trace-duration">
        <span class="trace-time">{durationText(Number(durationNano) / 1e6)}</span>
        <span class="trace-bar" aria-hidden="true">
          <span style={{ width: `${share * 100}%` }} />
        </span>
      </td>
      <td class="number">{spanCount}</td>
      <td class="wide-only quiet">{services.join(" → ")}</td>
    </tr>
  );
}
