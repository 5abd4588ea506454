import type { Edge } from "@glassline/proto/dashboard";

import { percentText } from "../format/percent.ts";
import { compact } from "../format/quantity.ts";
import type { EdgeTrend } from "./edge-history.ts";
import { totalsOf } from "./traffic.ts";

/** What all edges do together, in one line. */
export function EdgeTotalsLine({
  edges,
  trends,
}: {
  edges: readonly Edge[];
  trends: readonly EdgeTrend[];
}) {
  const { ready, all, viewers, hitRatio } = totalsOf(edges);
  const rates = trends.flatMap(({ sentBytesPerSecond }) => sentBytesPerSecond ?? []);
  const bitsPerSecond = rates.reduce((sum, rate) => sum + rate * 8, 0);
  return (
    <dl class="totals" aria-label="All edges">
      <Total
        name="edges answer"
        value={`${ready} of ${all}`}
        isBad={ready < all}
        testId="edges-ready"
      />
      <Total name="viewers" value={compact(viewers)} testId="edges-viewers" />
      <Total
        name="sent"
        value={rates.length > 0 ? (bitsPerSecond / 1e6).toFixed(1) : "–"}
        unit="Mbit/s"
        testId="edges-sent"
      />
      <Total name="hit ratio, last minute" value={percentText(hitRatio)} testId="edges-hit-ratio" />
    </dl>
  );
}

interface TotalProps {
  name: string;
  value: string;
  unit?: string;
  isBad?: boolean;
  testId: string;
}

function Total({ name, value, unit, isBad = false, testId }: TotalProps) {
  return (
    <div class={isBad ? "is-bad" : ""}>
      <dt>{name}</dt>
      <dd class="figure" data-testid={testId}>
        {value}
        {unit && <small> {unit}</small>}
      </dd>
    </div>
  );
}
