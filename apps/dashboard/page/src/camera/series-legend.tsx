import { SERIES_COLORS } from "./chart-options.ts";
import type { ReadValue } from "./readings.ts";

/** Characters of a name and its value that fit into columns of each width. */
const SHORT_MAX = 10;
const MEDIUM_MAX = 20;

/** Names, colours and values of a chart's lines, with units where those differ; nothing when there is only one. */
export function SeriesLegend({ readings }: { readings: ReadValue[] }) {
  if (readings.length < 2) return null;
  const mixed = readings.some(({ unit }) => unit !== readings[0]!.unit);
  const shown = readings.map(({ name, text, unit }) => ({
    name,
    text: mixed && unit ? `${text} ${unit}` : text,
  }));
  return (
    <ul class={`legend is-${widthOf(shown)}`}>
      {shown.map(({ name, text }, index) => (
        <li key={name}>
          <span class={`swatch series-${index % SERIES_COLORS}`} />
          <span class="legend-name">{name}</span>
          <span class="legend-value">{text}</span>
        </li>
      ))}
    </ul>
  );
}

function widthOf(shown: readonly { name: string; text: string }[]): "short" | "medium" | "long" {
  const longest = Math.max(...shown.map(({ name, text }) => name.length + text.length));
  return longest <= SHORT_MAX ? "short" : longest <= MEDIUM_MAX ? "medium" : "long";
}
