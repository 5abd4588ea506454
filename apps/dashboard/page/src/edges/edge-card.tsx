import type { Edge } from "@glassline/proto/dashboard";

import { percentText } from "../format/percent.ts";
import { compact } from "../format/quantity.ts";
import { ageText, clock, millisecondsOf } from "../format/time.ts";
import { Sparkline } from "../parts/sparkline.tsx";
import { EdgeFigures } from "./edge-figures.tsx";
import { EdgeGlyph } from "./edge-glyph.tsx";
import type { EdgeTrend } from "./edge-history.ts";
import { edgeState, edgeStateText } from "./edge-phase.ts";
import { PeerList } from "./peer-list.tsx";
import { hitRatio } from "./traffic.ts";

interface EdgeCardProps {
  edge: Edge;
  trend: EdgeTrend;
  nowMs: number;
}

/** One edge: how it is, what it serves, and whom it sees. */
export function EdgeCard({ edge, trend, nowMs }: EdgeCardProps) {
  const { name, process, status } = edge;
  const state = edgeState(edge);
  const machine = process?.machine || process?.spec?.machine;
  return (
    <article class={`edge-card is-${state}`} aria-label={name} data-testid={`edge-${name}`}>
      <header>
        <h2>{name}</h2>
        {machine && <span class="tag is-quiet">{machine}</span>}
        <span class={`edge-state is-${state}`}>
          <EdgeGlyph state={state} />
          <span data-testid={`edge-${name}-state`} data-state={state}>
            {edgeStateText(edge, nowMs)}
          </span>
        </span>
      </header>
      <p class="edge-line">{lineOf(edge, nowMs)}</p>
      <dl class="edge-headlines">
        <div>
          <dt>hit ratio, last minute</dt>
          <dd>
            <span class="figure" data-testid={`edge-${name}-hit-ratio`}>
              {percentText(hitRatio([status?.recent]))}
            </span>
            <Sparkline values={[...trend.hitRatios]} />
          </dd>
        </div>
        <div>
          <dt>viewers</dt>
          <dd class="figure" data-testid={`edge-${name}-viewers`}>
            {status ? compact(status.viewers) : "–"}
          </dd>
        </div>
      </dl>
      <EdgeFigures edge={edge} trend={trend} nowMs={nowMs} />
      {status && <PeerList peers={status.peers} />}
    </article>
  );
}

/** Where viewers find it; or since when it is away, and why. */
function lineOf({ reachable, sinceUnixNano, error, status, process }: Edge, nowMs: number): string {
  if (reachable) return status?.publicUrl || process?.spec?.publicUrl || "answers";
  const sinceMs = millisecondsOf(sinceUnixNano);
  const since = sinceMs > 0 ? ` since ${clock(sinceMs)}, ${ageText(nowMs - sinceMs)} ago` : "";
  return `no answer${since}${error && `: ${error}`}`;
}
