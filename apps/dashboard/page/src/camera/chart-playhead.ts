import type uPlot from "uplot";

import type { Playhead } from "../player/playhead.ts";

/** A pointer that moved further between press and release has dragged. */
const CLICK_MAX_PX = 4;

/**
 * A line at the moment of the picture, and clicks that bring the picture to a moment. The line is an element above the
 * canvas: moving it draws nothing anew. `place` bears data-moment-ms while the line is to be seen.
 */
export function attachPlayhead(chart: uPlot, place: HTMLElement, playhead: Playhead): () => void {
  const line = document.createElement("div");
  line.className = "chart-moment";
  line.hidden = true;
  chart.over.append(line);
  const stopWatching = playhead.watch((momentMs) => {
    const leftPx = momentMs === undefined ? undefined : positionOf(chart, momentMs);
    line.hidden = leftPx === undefined;
    if (leftPx === undefined) {
      delete place.dataset["momentMs"];
      return;
    }
    line.style.transform = `translateX(${leftPx}px)`;
    place.dataset["momentMs"] = String(Math.round(momentMs!));
  });
  const stop = new AbortController();
  listenForClicks(chart, stop.signal, (momentMs) => playhead.seek(momentMs));
  return () => {
    stop.abort();
    stopWatching();
    line.remove();
  };
}

/** Pixels from the left edge of the plot; undefined: outside of the window that it shows. */
function positionOf(chart: uPlot, momentMs: number): number | undefined {
  const { min, max } = chart.scales["x"]!;
  const momentS = momentMs / 1_000;
  if (min == null || max == null || momentS < min || momentS > max) return undefined;
  return chart.valToPos(momentS, "x");
}

/** A press that is released where it began; dragging selects a stretch of time instead. */
function listenForClicks(
  { over, posToVal }: uPlot,
  signal: AbortSignal,
  onClick: (momentMs: number) => void,
): void {
  let pressedPx = Number.NaN;
  over.addEventListener(
    "pointerdown",
    ({ clientX }) => {
      pressedPx = clientX;
    },
    { signal },
  );
  over.addEventListener(
    "click",
    ({ clientX }) => {
      if (!(Math.abs(clientX - pressedPx) <= CLICK_MAX_PX)) return;
      onClick(posToVal(clientX - over.getBoundingClientRect().left, "x") * 1_000);
    },
    { signal },
  );
}
