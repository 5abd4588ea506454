import type uPlot from "uplot";

import { colorOf } from "../shell/theme.ts";
import { baseOptions, VALUE_AXIS_WIDTH_PX } from "./chart-options.ts";
import { severityOf, stateText } from "./states.ts";
import { type ChartProps, useChart } from "./use-chart.ts";

const LABEL_PADDING_PX = 6;

interface Run {
  from: number;
  to: number;
  value: number;
}

/** A state over time: one row a series, coloured by what the value means, with its name where there is room. */
export function StateBand(props: ChartProps & { stateNames: Readonly<Record<string, string>> }) {
  const { height, stateNames, data } = props;
  const element = useChart(props, (width, handlers) => {
    const base = baseOptions(width, height, handlers);
    const colors = {
      calm: colorOf("--state-calm"),
      moving: colorOf("--state-moving"),
      bad: colorOf("--state-bad"),
      unknown: colorOf("--state-unknown"),
      text: colorOf("--state-text"),
    };
    return {
      ...base,
      padding: [4, 6, 0, VALUE_AXIS_WIDTH_PX],
      series: [
        ...base.series,
        ...data.names.map(() => ({ paths: () => null, points: { show: false } })),
      ],
      cursor: { ...base.cursor, points: { show: false } },
      scales: { ...base.scales, y: { range: [0, 1] } },
      axes: [...base.axes!, { show: false }],
      hooks: { ...base.hooks, draw: [(chart) => drawRows(chart, stateNames, colors)] },
    };
  });
  return <div class="chart" ref={element} />;
}

type Colors = Readonly<Record<"calm" | "moving" | "bad" | "unknown" | "text", string>>;

function drawRows(
  chart: uPlot,
  stateNames: Readonly<Record<string, string>>,
  colors: Colors,
): void {
  const rows = chart.series.length - 1;
  for (let row = 0; row < rows; row++) {
    const { top, height } = chart.bbox;
    const rowHeight = height / rows;
    for (const run of runsOf(chart, row + 1))
      drawRun(chart, run, top + row * rowHeight + 1, rowHeight - 2, stateNames, colors);
  }
}

/** Stretches of the same value, in seconds; the last one lasts to its newest point. */
function runsOf(chart: uPlot, column: number): Run[] {
  const runs: Run[] = [];
  const times = chart.data[0]!;
  const values = chart.data[column] ?? [];
  for (let index = 0; index < times.length; index++) {
    const value = values[index];
    const last = runs.at(-1);
    if (last && value !== undefined) last.to = times[index]!;
    if (typeof value === "number" && last?.value !== value)
      runs.push({ from: times[index]!, to: times[index]!, value });
    if (value === null) runs.push({ from: times[index]!, to: times[index]!, value: Number.NaN });
  }
  return runs.filter((run) => !Number.isNaN(run.value));
}

function drawRun(
  chart: uPlot,
  run: Run,
  top: number,
  height: number,
  stateNames: Readonly<Record<string, string>>,
  colors: Colors,
): void {
  const { ctx, bbox } = chart;
  const left = Math.max(bbox.left, chart.valToPos(run.from, "x", true));
  const right = Math.min(bbox.left + bbox.width, chart.valToPos(run.to, "x", true));
  const name = stateText(run.value, stateNames);
  ctx.save();
  ctx.fillStyle = colors[severityOf(name)];
  ctx.fillRect(left, top, Math.max(right - left, 2), height);
  const padding = LABEL_PADDING_PX * devicePixelRatio;
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  if (ctx.measureText(name).width + 2 * padding < right - left) {
    ctx.fillStyle = colors.text;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.fillText(name, left + padding, top + height / 2);
  }
  ctx.restore();
}
