import { CameraState, type GetLatestResponse } from "@glassline/proto/query";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { clock, millisecondsOf } from "../format/time.ts";
import { MetricCard } from "./metric-card.tsx";
import { filterGroups, groupId, metricGroups } from "./metrics.ts";
import { MetricControls } from "./metric-controls.tsx";
import { createRangeFeed } from "./range-feed.ts";
import { rangeOf, readWindow, refreshMs, type TimeWindow, writeWindow } from "./time-window.ts";
import { useCounterRates } from "./use-counter-rates.ts";

/** Charts of everything that a camera measures, in groups. */
export function CameraMetrics({
  cameraId,
  latest,
}: {
  cameraId: string;
  latest: GetLatestResponse;
}) {
  const [text, setText] = useState("");
  const [window, setWindow] = useState(readWindow);
  const groups = useMemo(() => metricGroups(latest.samples), [latest]);
  const shown = filterGroups(groups, text);
  const rate = useCounterRates(groups);
  const feed = useRangeFeed(cameraId, latest, window);
  const silent = latest.camera?.state === CameraState.SILENT;
  const silentSince = silent && clock(newestMs(latest));
  const chooseWindow = (next: TimeWindow): void => {
    writeWindow(next);
    setWindow(next);
  };
  return (
    <div class={silent ? "metrics is-silent" : "metrics"}>
      <MetricControls
        text={text}
        onText={setText}
        window={window}
        onWindow={chooseWindow}
        groups={shown}
        allCount={groups.reduce((sum, { metrics }) => sum + metrics.length, 0)}
      />
      {silentSince && (
        <p class="silent-note">Nothing newer than {silentSince}: values and charts end there.</p>
      )}
      {shown.length === 0 && <p class="nothing">No metric matches this filter.</p>}
      {shown.map(({ group, metrics }) => (
        <section key={group} class="metric-group" id={groupId(group)} aria-label={group}>
          <h2>{group}</h2>
          <div class="metric-grid">
            {metrics.map((metric) => (
              <MetricCard
                key={metric.metric}
                metric={metric}
                feed={feed}
                rate={rate}
                window={window}
                onSelect={(fromMs, toMs) => chooseWindow({ kind: "fixed", fromMs, toMs })}
              />
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}

function useRangeFeed(cameraId: string, latest: GetLatestResponse, window: TimeWindow) {
  const current = useRef({ latest, window, receivedMs: performance.now() });
  if (current.current.latest !== latest) current.current.receivedMs = performance.now();
  Object.assign(current.current, { latest, window });
  const feed = useMemo(() => {
    const range = () => {
      const { latest: answer, receivedMs } = current.current;
      // The collector's clock, carried on by ours between two answers.
      const nowMs = millisecondsOf(answer.nowUnixNano) + performance.now() - receivedMs;
      return rangeOf(current.current.window, nowMs, newestMs(answer));
    };
    return createRangeFeed({ cameraId, range, refreshMs: () => refreshMs(current.current.window) });
  }, [cameraId]);
  useEffect(() => () => feed.close(), [feed]);
  return feed;
}

function newestMs({ samples }: GetLatestResponse): number {
  let newest = 0n;
  for (const { timeUnixNano } of samples) if (timeUnixNano > newest) newest = timeUnixNano;
  return millisecondsOf(newest);
}
