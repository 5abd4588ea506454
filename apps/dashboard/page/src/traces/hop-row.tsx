import { useState } from "preact/hooks";

import { durationText } from "../format/quantity.ts";
import { preciseClock, millisecondsOf } from "../format/time.ts";
import type { WaterfallRow } from "./waterfall-rows.ts";

const COLORS = 8;

/** One hop; pressing it shows its attributes. */
export function HopRow({ row }: { row: WaterfallRow }) {
  const [open, setOpen] = useState(false);
  const { hop, from, length, durationMs, startMs } = row;
  const who = hop.instance && hop.instance !== hop.service ? hop.instance : hop.service;
  return (
    <li class="hop" data-testid="hop">
      <button type="button" class="hop-line" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="hop-who">
          <span class={`swatch series-${row.serviceIndex % COLORS}`} />
          {who}
          {who !== hop.service && <small>{hop.service}</small>}
        </span>
        <code class="hop-name" title={hop.name}>
          <bdi>{hop.name}</bdi>
        </code>
        <span class="hop-track" aria-hidden="true">
          <span
            class={`hop-bar series-${row.serviceIndex % COLORS}`}
            style={{ left: `${from * 100}%`, width: `${Math.min(length, 1 - from) * 100}%` }}
          />
        </span>
        <span class="hop-time">{durationText(durationMs)}</span>
      </button>
      {open && <HopDetails row={row} startText={durationText(startMs)} />}
    </li>
  );
}

function HopDetails({ row: { hop }, startText }: { row: WaterfallRow; startText: string }) {
  const attributes = Object.entries(hop.attributes).toSorted(([left], [right]) =>
    left.localeCompare(right),
  );
  const facts = [
    ["starts", `${preciseClock(millisecondsOf(hop.startUnixNano))}, ${startText} into the trace`],
    ["service", hop.instance ? `${hop.service}, ${hop.instance}` : hop.service],
    ["span", hop.spanId],
    ...attributes,
  ] as const;
  return (
    <dl class="hop-details">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
