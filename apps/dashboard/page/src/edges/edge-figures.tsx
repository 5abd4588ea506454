import type { Edge } from "@glassline/proto/dashboard";
import type { GetStatusResponse, TrafficCounts } from "@glassline/proto/edge";
import type { EdgeState } from "@glassline/proto/node";

import { percentText } from "../format/percent.ts";
import { bytesText, compact, durationText } from "../format/quantity.ts";
import { ageText, clock, millisecondsOf } from "../format/time.ts";
import { Meter } from "../parts/meter.tsx";
import type { EdgeTrend } from "./edge-history.ts";
import { originOffload, requestCount } from "./traffic.ts";

interface EdgeFiguresProps {
  edge: Edge;
  trend: EdgeTrend;
  nowMs: number;
}

/** Everything else that an edge and its node-agent tell. */
export function EdgeFigures({ edge: { status, process }, trend, nowMs }: EdgeFiguresProps) {
  const uptimeMs = status && nowMs - millisecondsOf(status.startedUnixNano);
  return (
    <>
      {status && <ServingFigures status={status} trend={trend} />}
      {status && <StoreMeter status={status} />}
      <dl class="figures">
        {uptimeMs !== undefined && <Figure name="up for" value={ageText(uptimeMs)} />}
        {process && <Figure name="generation" value={compact(Number(process.generation))} />}
        {process && <Figure name="unexpected ends" value={endsText(process)} isWide />}
      </dl>
    </>
  );
}

function ServingFigures({ status, trend }: { status: GetStatusResponse; trend: EdgeTrend }) {
  const { requestsPerSecond, sentBytesPerSecond } = trend;
  const { recent, originReachable } = status;
  return (
    <dl class="figures">
      <Figure name="requests" value={perSecond(requestsPerSecond?.toFixed(1))} />
      <Figure
        name="sent"
        value={perSecond(
          sentBytesPerSecond === undefined ? undefined : bytesText(sentBytesPerSecond),
        )}
      />
      <Figure
        name="origin offload"
        value={percentText(recent && originOffload(recent))}
        title="Share of the bytes sent in the last minute that did not have to come from the origin"
      />
      <Figure name="first byte p50 / p99" value={firstByteText(status, recent)} />
      <Figure
        name="origin"
        value={originReachable ? "answers" : "gives no answer"}
        isBad={!originReachable}
      />
      <Figure name="errors, last minute" value={compact(Number(recent?.errors ?? 0n))} />
    </dl>
  );
}

function StoreMeter({ status }: { status: GetStatusResponse }) {
  const storedBytes = Number(status.storedBytes);
  const storeMaxBytes = Number(status.storeMaxBytes);
  return (
    <div class="store">
      <p>
        <span>{compact(status.objects)} objects in memory</span>
        <span>
          {bytesText(storedBytes)} of {bytesText(storeMaxBytes)}
        </span>
      </p>
      <Meter value={storedBytes} max={storeMaxBytes} text="Fill of the store" />
    </div>
  );
}

interface FigureProps {
  name: string;
  value: string;
  title?: string;
  isBad?: boolean;
  isWide?: boolean;
}

function Figure({ name, value, title, isBad = false, isWide = false }: FigureProps) {
  return (
    <div class={isWide ? "is-wide" : ""} title={title}>
      <dt>{name}</dt>
      <dd class={isBad ? "is-bad" : ""}>{value}</dd>
    </div>
  );
}

function perSecond(text: string | undefined): string {
  return text === undefined ? "–" : `${text}/s`;
}

/** Nothing asked has no time. */
function firstByteText(
  { firstByteP50Ms, firstByteP99Ms }: GetStatusResponse,
  recent: TrafficCounts | undefined,
): string {
  if (!recent || requestCount(recent) === 0) return "–";
  return `${durationText(firstByteP50Ms)} / ${durationText(firstByteP99Ms)}`;
}

/** "3, SIGKILL at 12:01:07". */
function endsText({ unexpectedEnds, lastEnd, lastEndUnixNano }: EdgeState): string {
  const endMs = millisecondsOf(lastEndUnixNano);
  const end = endMs > 0 ? `, ${lastEnd || "ended"} at ${clock(endMs)}` : "";
  return `${compact(unexpectedEnds)}${end}`;
}
