import type { RpcError } from "@glassline/proto/errors";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { compact, quantity, rateQuantity } from "../format/quantity.ts";
import { preciseClock } from "../format/time.ts";
import { chartDataOf, type ChartData } from "./chart-data.ts";
import { LineChart } from "./line-chart.tsx";
import type { CameraMetric } from "./metrics.ts";
import { type ReadValue, SeriesLegend } from "./series-legend.tsx";
import type { RangeAnswer, RangeFeed } from "./range-feed.ts";
import { StateBand } from "./state-band.tsx";
import { severityOf, stateText } from "./states.ts";
import { useInView } from "./use-in-view.ts";

const LINE_HEIGHT_PX = 132;
const BAND_HEIGHT_PX = 66;
const BAND_ROW_HEIGHT_PX = 22;

interface MetricCardProps {
  metric: CameraMetric;
  feed: RangeFeed;
  rate(metric: string, name: string): number | undefined;
  onSelect(fromMs: number, toMs: number): void;
}

/** One metric: its latest value, large, and its chart. */
export function MetricCard({ metric, feed, rate, onSelect }: MetricCardProps) {
  const element = useRef<HTMLElement>(null);
  const inView = useInView(element);
  const [answer, setAnswer] = useState<RangeAnswer>();
  const [error, setError] = useState<RpcError>();
  const [cursor, setCursor] = useState<number | null>(null);
  useEffect(() => {
    if (!inView) return;
    const onAnswer = (next: RangeAnswer): void => {
      setAnswer(next);
      setError(undefined);
    };
    return feed.watch(metric.metric, onAnswer, setError);
  }, [inView, feed, metric.metric]);
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
      <div class={`chart-place ${metric.kind === "state" ? "is-band" : ""}`}>
        {inView && data && answer && (
          <Chart metric={metric} data={data} range={answer} {...chart} />
        )}
        {data?.columns[0]?.length === 0 && <p class="chart-empty">no sample in this window</p>}
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

/** The value of each series: under the cursor when there is one, else the latest. */
function readingsOf(
  metric: CameraMetric,
  data: ChartData | undefined,
  cursor: number | null,
  rate: MetricCardProps["rate"],
): ReadValue[] {
  return metric.latest.map(({ name, value }) => {
    const column = cursor === null ? -1 : (data?.names.indexOf(name) ?? -1);
    const under = column < 0 ? undefined : data?.columns[column + 1]?.[cursor!];
    if (under !== undefined && under !== null) return { name, ...written(metric, under) };
    if (!isRate(metric)) return { name, ...written(metric, value) };
    const growth = rate(metric.metric, name) ?? lastOf(data, name);
    return { name, ...(growth === undefined ? { text: "–", unit: "" } : written(metric, growth)) };
  });
}

/** The newest point of a series in the chart. */
function lastOf(data: ChartData | undefined, name: string): number | undefined {
  const index = data?.names.indexOf(name) ?? -1;
  const values = index < 0 ? [] : Array.from(data?.columns[index + 1] ?? []);
  return values.findLast((value) => typeof value === "number");
}

function written(metric: CameraMetric, value: number): { text: string; unit: string } {
  if (metric.kind === "state") return { text: stateText(value, metric.stateNames), unit: "" };
  return isRate(metric) ? rateQuantity(value, metric.unit) : quantity(value, metric.unit);
}

/** A counter is shown as its rate, but a counter of seconds is a duration: its rate would always be one. */
function isRate({ kind, unit }: CameraMetric): boolean {
  return kind === "counter" && unit !== "s";
}

/** That the collector is away is said once, above; not on every card. */
function isAway({ code }: RpcError): boolean {
  return code === "unavailable" || code === "deadline_exceeded";
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
