import uPlot from "uplot";

import { tickTexts } from "../format/ticks.ts";
import { minuteClock, timeOfDay } from "../format/time.ts";
import { colorOf } from "../shell/theme.ts";

/** As many colours as the tokens --series-0 and so on. */
export const SERIES_COLORS = 8;
/** Least room for the ticks of values; state bands leave as much, so that times stand below each other. */
export const VALUE_AXIS_WIDTH_PX = 50;
/** All charts of a page share their cursor under this key. */
const SYNC_KEY = "camera";
/** Steps of the time axis in seconds; uPlot knows no steps between one minute and five. */
const TIME_STEPS_S = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 14_400,
];
/** Steps of an axis of durations: whole minutes, hours and days instead of thousands of seconds. */
const DURATION_STEPS_S = [
  ...[-7, -6, -5, -4, -3, -2, -1].flatMap((power) =>
    [1, 2, 2.5, 5].map((step) => step * 10 ** power),
  ),
  1,
  2,
  5,
  10,
  15,
  20,
  30,
  ...[1, 2, 5, 10, 15, 20, 30].map((minutes) => minutes * 60),
  ...[1, 2, 3, 6, 12].map((hours) => hours * 3_600),
  ...[1, 2, 5].flatMap((step) => [1, 10, 100, 1_000, 10_000].map((days) => step * days * 86_400)),
].toSorted((left, right) => left - right);
const VALUE_AXIS_GAP_PX = 4;
/** The gap, and some air at the edge of the card. */
const VALUE_AXIS_ROOM_PX = VALUE_AXIS_GAP_PX + 6;
const SECONDS_SHOWN_BELOW_S = 20 * 60;
const PADDING_RIGHT_PX = 6;
const TIME_HALF_WIDTH_PX = 28;
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

export interface ChartHandlers {
  onCursor(index: number | null): void;
  onSelect(fromMs: number, toMs: number): void;
}

/** Options that line charts and state bands have in common. */
export function baseOptions(width: number, height: number, handlers: ChartHandlers): uPlot.Options {
  return {
    width,
    height,
    padding: [8, PADDING_RIGHT_PX, 0, 0],
    legend: { show: false },
    scales: { x: { time: true } },
    series: [{}],
    axes: [timeAxis()],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 8 },
      sync: { key: SYNC_KEY, setSeries: false, scales: ["x", null] },
      points: { size: 6 },
    },
    hooks: {
      setCursor: [(chart) => handlers.onCursor(chart.cursor.idx ?? null)],
      setSelect: [(chart) => select(chart, handlers)],
    },
  };
}

/** An axis for values, with as many decimals as its steps need. */
export function valueAxis(unit: string): uPlot.Axis {
  return {
    ...axisLook(),
    size: (chart, texts) => widthOf(chart, texts),
    gap: VALUE_AXIS_GAP_PX,
    space: 26,
    ...(unit === "s" && { incrs: DURATION_STEPS_S }),
    values: (_chart, splits, _axis, _space, step) => tickTexts(splits, step, unit),
  };
}

/** As wide as the longest tick needs. */
function widthOf({ ctx }: uPlot, texts: readonly string[] | null): number {
  ctx.save();
  // Unlike uPlot's own font this one is not scaled by the screen's pixels, and neither is the width.
  ctx.font = FONT;
  const widths = (texts ?? []).map((text) => ctx.measureText(text).width);
  ctx.restore();
  return Math.ceil(Math.max(VALUE_AXIS_WIDTH_PX, ...widths.map((px) => px + VALUE_AXIS_ROOM_PX)));
}

function timeAxis(): uPlot.Axis {
  return {
    ...axisLook(),
    size: 24,
    gap: 4,
    space: 64,
    incrs: TIME_STEPS_S,
    values: (chart, splits) => splits.map((split) => timeText(chart, split)),
  };
}

/** Nothing where the text would be cut off by the right edge. */
function timeText(chart: uPlot, split: number): string {
  const { min = 0, max = 0 } = chart.scales["x"]!;
  const rightPx = chart.over.clientWidth - chart.valToPos(split, "x");
  if (rightPx < TIME_HALF_WIDTH_PX - PADDING_RIGHT_PX) return "";
  const text = max - min < SECONDS_SHOWN_BELOW_S ? timeOfDay : minuteClock;
  return text(Math.round(split * 1_000));
}

function axisLook(): uPlot.Axis {
  return {
    stroke: colorOf("--text-quiet"),
    font: FONT,
    grid: { stroke: colorOf("--chart-grid"), width: 1 },
    ticks: { show: false },
  };
}

function select(chart: uPlot, { onSelect }: ChartHandlers): void {
  const { left, width } = chart.select;
  if (width < 8) return;
  onSelect(chart.posToVal(left, "x") * 1_000, chart.posToVal(left + width, "x") * 1_000);
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}
