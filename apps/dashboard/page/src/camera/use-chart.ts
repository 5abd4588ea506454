import type { RefObject } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { PlayheadContext } from "../player/playhead.ts";
import { useTheme } from "../shell/theme.ts";
import type { ChartData } from "./chart-data.ts";
import type { ChartHandlers } from "./chart-options.ts";
import { attachPlayhead } from "./chart-playhead.ts";
import type { TimeRange } from "./time-window.ts";

export interface ChartProps extends ChartHandlers {
  data: ChartData;
  range: TimeRange;
  height: number;
}

type BuildOptions = (width: number, handlers: ChartHandlers) => uPlot.Options;

/** Keeps a uPlot in an element: made anew for other series or another theme, else only fed. */
export function useChart(props: ChartProps, build: BuildOptions): RefObject<HTMLDivElement | null> {
  const { data, range } = props;
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const newest = useRef(props);
  newest.current = props;
  const theme = useTheme();
  const playhead = useContext(PlayheadContext);
  useEffect(() => {
    const place = element.current;
    if (!place) return;
    const handlers: ChartHandlers = {
      onCursor: (index) => newest.current.onCursor(index),
      onSelect: (fromMs, toMs) => newest.current.onSelect(fromMs, toMs),
    };
    const own = new uPlot(build(place.clientWidth, handlers), [[]], place);
    chart.current = own;
    feed(own, newest.current);
    const resize = new ResizeObserver(() =>
      own.setSize({ width: place.clientWidth, height: own.height }),
    );
    resize.observe(place);
    const detachPlayhead = attachPlayhead(own, place, playhead);
    return () => {
      detachPlayhead();
      resize.disconnect();
      own.destroy();
      chart.current = null;
    };
  }, [data.names.join("\n"), theme, playhead]);
  useEffect(() => {
    if (chart.current) feed(chart.current, newest.current);
  }, [data, range.fromMs, range.toMs]);
  return element;
}

function feed(chart: uPlot, { data, range }: ChartProps): void {
  chart.batch(() => {
    chart.setData(data.columns, false);
    chart.setScale("x", { min: range.fromMs / 1_000, max: range.toMs / 1_000 });
  });
}
