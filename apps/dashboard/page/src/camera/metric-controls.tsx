import { clock } from "../format/time.ts";
import { FilterField } from "../parts/filter-field.tsx";
import { Segmented } from "../parts/segmented.tsx";
import { groupId, type MetricGroup } from "./metrics.ts";
import {
  DEFAULT_WINDOW,
  minutesOf,
  type TimeWindow,
  WINDOW_CHOICES,
  windowOfMinutes,
} from "./time-window.ts";

interface MetricControlsProps {
  text: string;
  onText(text: string): void;
  window: TimeWindow;
  onWindow(window: TimeWindow): void;
  /** What the filter leaves. */
  groups: MetricGroup[];
  allCount: number;
}

/** Stays at the top while scrolling: time window, filter, and the way to each group. */
export function MetricControls({
  text,
  onText,
  window,
  onWindow,
  groups,
  allCount,
}: MetricControlsProps) {
  const shownCount = groups.reduce((sum, { metrics }) => sum + metrics.length, 0);
  return (
    <div class="controls is-sticky">
      <Segmented
        label="Time window"
        choices={WINDOW_CHOICES}
        chosen={minutesOf(window)}
        onChoose={(minutes) => onWindow(windowOfMinutes(minutes))}
      />
      {window.kind === "fixed" && (
        <button type="button" class="back-to-live" onClick={() => onWindow(DEFAULT_WINDOW)}>
          {clock(window.fromMs)} – {clock(window.toMs)} <strong>Back to live</strong>
        </button>
      )}
      <FilterField label="Filter metrics …" value={text} onChange={onText} />
      <p class="controls-count" role="status">
        {shownCount === allCount ? "" : `${shownCount} of `}
        {allCount === 1 ? "1 metric" : `${allCount} metrics`}
      </p>
      <nav class="group-links" aria-label="Groups">
        {groups.map(({ group }) => (
          <a key={group} href={`#${groupId(group)}`}>
            {group}
          </a>
        ))}
      </nav>
    </div>
  );
}
