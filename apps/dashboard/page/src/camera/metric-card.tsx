import { useMemo, useRef, useState } from "preact/hooks";

import { isAway } from "../api/is-away.ts";
import { compact, quantity } from "../format/quantity.ts";
import { preciseClock } from "../format/time.ts";
import { chartDataOf } from "./chart-data.ts";
import { LineChart } from "./line-chart.tsx";
import type { CameraMetric } from "./metrics.ts";
import { type CounterRate, isRate, readingsOf, type ReadValue } from "./readings.ts";
import { SeriesLegend } from "./series-legend.tsx";
import type { RangeFeed } from "./range-feed.ts";
import { StateBand } from "./state-band.tsx";
import { severityOf } from "./states.ts";
import type { TimeWindow } from "./time-window.ts";
import { useInView } from "./use-in-view.ts";
import { useRange } from "./use-range.ts";

const LINE_HEIGHT_PX = 132;
const BAND_HEIGHT_PX = 66;
const BAND_ROW_HEIGHT_PX = 22;

interface MetricCardProps {
  metric: CameraMetric;
  feed: RangeFeed;
  rate: CounterRate;
  window: TimeWindow;
  onSelect(fromMs: number, toMs: number): void;
}

/** One metric: its latest value, large, and its chart. */
export function MetricCard({ metric, feed, rate, window, onSelect }: MetricCardProps) {
  const element = useRef<HTMLElement>(null);
  const inView = useInView(element);
  const [cursor, setCursor] = useState<number | null>(null);
  const { answer, range, pending, error } = useRange(feed, metric.metric, window, inView);
  const asRate = isRate(metric);
  const data = useMemo(() => answer && chartDataOf(answer, asRate), [answer, asRate]);
  const readings = readingsOf(metric, data, cursor, rate);
  const cursorS = cursor === null ? undefined : data?.columns[0]?.[cursor];
  const chart = { height: heightOf(metric), onCursor: setCursor, onSelect };
  return (
    <article
      class={`metric-card ${error ? "has-error" : ""}`}
      ref={element}
      aria-label={metric.label}
    >
      <header>
        <h3 title={`${metric.brief}\n${metric.metric}`}>{metric.label}</h3>
        <CardValue metric={metric} readings={readings} />
      </header>
      <p class="metric-note">
        {cursorS === undefined ? noteOf(metric) : preciseClock(cursorS * 1_000)}
        {error && !isAway(error) && <span class="metric-error"> {error.message}</span>}
      </p>
      {metric.kind === "state" && <p class="metric-brief">{metric.brief}</p>}
      <div
        class={`chart-place ${metric.kind === "state" ? "is-band" : ""} ${pending ? "is-loading" : ""}`}
        aria-busy={pending}
      >
        {inView && data && <Chart metric={metric} data={data} range={range} {...chart} />}
        {pending && <p class="visually-hidden">Loading</p>}
        {!pending && data?.columns[0]?.length === 0 && (
          <p class="chart-empty">no sample in this window</p>
        )}
      </div>
      <SeriesLegend readings={readings} />
    </article>
  );
}

type ChartPartProps = Parameters<typeof LineChart>[0];

function Chart({
  metric,
  ...props
}: { metric: CameraMetric } & Omit<ChartPartProps, "fromZero" | "unit">) {
  if (props.data.names.length === 0) return null;
  if (metric.kind === "state") return <StateBand {...props} stateNames={metric.stateNames} />;
  return <LineChart {...props} fromZero={isRate(metric)} unit={metric.unit} />;
}

function CardValue({ metric, readings }: { metric: CameraMetric; readings: ReadValue[] }) {
  const first = readings[0];
  const severity = metric.kind === "state" && first ? severityOf(first.text) : "calm";
  return (
    <p class={`metric-value is-${severity}`} data-testid={`value-${metric.metric}`}>
      {readings.length > 1 && <small class="metric-series">{first?.name} </small>}
      {first?.text ?? "–"}
      {first?.unit && <small> {first.unit}</small>}
    </p>
  );
}

function noteOf(metric: CameraMetric): string {
  if (!isRate(metric)) return metric.metric;
  const total = metric.latest.reduce((sum, { value }) => sum + value, 0);
  const { text, unit } =
    metric.unit === "By" ? quantity(total, "By") : { text: compact(total), unit: "" };
  return `${text}${unit && ` ${unit}`} in all`;
}

function heightOf({ kind, latest }: CameraMetric): number {
  return kind === "state"
    ? BAND_HEIGHT_PX + (latest.length - 1) * BAND_ROW_HEIGHT_PX
    : LINE_HEIGHT_PX;
}
