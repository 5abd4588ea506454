import { SERIES_COLORS } from "./chart-options.ts";

/** The value of one series, written for people. */
export interface ReadValue {
  name: string;
  text: string;
  unit: string;
}

/** Names, colours and values of a chart's lines; nothing when there is only one. */
export function SeriesLegend({ readings }: { readings: ReadValue[] }) {
  if (readings.length < 2) return null;
  return (
    <ul class="legend">
      {readings.map(({ name, text }, index) => (
        <li key={name}>
          <span class={`swatch series-${index % SERIES_COLORS}`} />
          <span class="legend-name">{name}</span>
          <span class="legend-value">{text}</span>
        </li>
      ))}
    </ul>
  );
}
