import uPlot from "uplot";

import { tickTexts } from "../format/ticks.ts";
import { minuteClock, timeOfDay } from "../format/time.ts";
import { colorOf } from "../shell/theme.ts";

/** As many colours as the tokens --series-0 and so on. */
export const SERIES_COLORS = 8;
/** Room for the ticks of values; state bands leave as much, so that times stand below each other. */
export const VALUE_AXIS_WIDTH_PX = 50;
/** All charts of a page share their cursor under this key. */
const SYNC_KEY = "camera";
/** Steps of the time axis in seconds; uPlot knows no steps between one minute and five. */
const TIME_STEPS_S = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 14_400,
];
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
    size: VALUE_AXIS_WIDTH_PX,
    gap: 4,
    space: 26,
    values: (_chart, splits, _axis, _space, step) => tickTexts(splits, step, unit),
  };
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

/** A range with some air around the values; a rate or anything close to zero begins at zero. */
export function valueRange(
  least: number | null,
  greatest: number | null,
  fromZero: boolean,
): uPlot.Range.MinMax {
  if (least === null || greatest === null) return [0, 1];
  const low = fromZero ? Math.min(0, least) : least;
  const span = greatest - low;
  if (span < Math.abs(greatest) * 1e-6 || span === 0) {
    const air = Math.abs(greatest) * 0.1 || 1;
    return [fromZero && low >= 0 ? 0 : low - air, greatest + air];
  }
  return [fromZero && low >= 0 ? 0 : low - span * 0.08, greatest + span * 0.08];
}
