import type { GetTraceResponse } from "@glassline/proto/query";
import { useMemo } from "preact/hooks";

import { durationText } from "../format/quantity.ts";
import { HopRow } from "./hop-row.tsx";
import { longestOf, sentenceOf, waterfallOf } from "./waterfall-rows.ts";

const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** A trace as hops along a common time axis, and what they amount to. */
export function Waterfall({ trace }: { trace: GetTraceResponse }) {
  const { rows, totalMs } = useMemo(() => waterfallOf(trace), [trace]);
  const longest = longestOf(rows);
  return (
    <div class="waterfall">
      <p class="waterfall-sentence">{sentenceOf(trace)}</p>
      {longest && rows.length > 1 && (
        <p class="waterfall-longest">
          Longest: {durationText(longest.durationMs)} in <code>{longest.hop.name}</code> of{" "}
          {longest.hop.instance || longest.hop.service}.
        </p>
      )}
      <div class="waterfall-axis" aria-hidden="true">
        {TICKS.map((part) => (
          <span key={part} style={{ left: `${part * 100}%` }}>
            {part === 0 ? "0" : durationText(totalMs * part)}
          </span>
        ))}
      </div>
      <ol class="hops">
        {rows.map((row) => (
          <HopRow key={row.hop.spanId} row={row} />
        ))}
      </ol>
    </div>
  );
}
