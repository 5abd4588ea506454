import { colorOf } from "../shell/theme.ts";
import { baseOptions, SERIES_COLORS, valueAxis, valueRange } from "./chart-options.ts";
import { type ChartProps, useChart } from "./use-chart.ts";

/** Lines over time, one a series. */
export function LineChart(props: ChartProps & { fromZero: boolean; unit: string }) {
  const { height, fromZero, unit, data } = props;
  const element = useChart(props, (width, handlers) => {
    const base = baseOptions(width, height, handlers);
    const single = data.names.length === 1;
    const lines = data.names.map((name, index) => ({
      label: name,
      stroke: colorOf(`--series-${index % SERIES_COLORS}`),
      width: 1.4,
      points: { show: false },
      ...(single && { fill: colorOf("--series-fill") }),
    }));
    return {
      ...base,
      series: [...base.series, ...lines],
      axes: [...base.axes!, valueAxis(unit)],
      scales: {
        ...base.scales,
        y: { range: (_chart, least, greatest) => valueRange(least, greatest, fromZero) },
      },
    };
  });
  return <div class="chart" ref={element} />;
}
