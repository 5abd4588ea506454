import type uPlot from "uplot";

import { colorOf } from "../shell/theme.ts";
import { baseOptions, SERIES_COLORS, valueAxis } from "./chart-options.ts";
import { lonePoints } from "./chart-data.ts";
import { type ChartProps, useChart } from "./use-chart.ts";
import { valueRange } from "./value-range.ts";

/** Ticks of an axis whose series differ in unit are plain numbers. */
const NO_UNIT = "1";

const DOT_PX = 5;

/** Lines over time, one a series; where there is no line to draw, a dot. */
export function LineChart(props: ChartProps & { fromZero: boolean; unit: string | undefined }) {
  const { height, fromZero, unit, data } = props;
  const element = useChart(props, (width, handlers) => {
    const base = baseOptions(width, height, handlers);
    const single = data.names.length === 1;
    const lines = data.names.map((name, index): uPlot.Series => {
      const color = colorOf(`--series-${index % SERIES_COLORS}`);
      return {
        label: name,
        stroke: color,
        width: 1.4,
        points: { show: false, filter: dots, size: DOT_PX, width: 0, fill: color },
        ...(single && { fill: colorOf("--series-fill") }),
      };
    });
    return {
      ...base,
      series: [...base.series, ...lines],
      axes: [...base.axes!, valueAxis(unit ?? NO_UNIT)],
      scales: {
        ...base.scales,
        y: { range: (_chart, least, greatest) => valueRange(least, greatest, { fromZero, unit }) },
      },
    };
  });
  return <div class="chart" ref={element} />;
}

function dots({ data }: uPlot, column: number): number[] | null {
  const lone = lonePoints(data[column] ?? []);
  return lone.length > 0 ? lone : null;
}
