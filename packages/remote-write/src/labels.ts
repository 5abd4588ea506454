/**
 * Labels as the standards allow them: a metric name, no name twice, nothing empty.
 * Source: https://prometheus.io/docs/specs/prw/remote_write_spec/#labels,
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#series-labels
 */
import { isUtf8 } from "node:buffer";

import { LIMITS } from "./limits.ts";
import { Rejection } from "./rejections.ts";
import type { Label } from "./series.ts";
import { METRIC_NAME } from "./series.ts";

/** Throws Rejection when the bytes are no UTF-8. */
export function textOf(bytes: Uint8Array, what: string): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  const shown = buffer.subarray(0, 16).toString("hex");
  throw new Rejection("invalid_utf8", `${what}: got the bytes ${shown}, expected UTF-8`);
}

const BEYOND = /[\ud800-\uffff]/;

/** In the order of their UTF-8 bytes, which is not that of JavaScript's strings beyond U+D7FF. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  if (!BEYOND.test(a) && !BEYOND.test(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function sortLabels(labels: readonly Label[]): Label[] {
  return labels.toSorted((a, b) => compareTexts(a.name, b.name));
}

/**
 * The labels of a series, sorted. Throws Rejection unless they may name one.
 * Senders must sort them; some do not, among them the standard's own tests, and nothing is lost by taking those too.
 */
export function seriesLabels(labels: readonly Label[]): Label[] {
  if (labels.length > LIMITS.labelsMaxPerSeries)
    throw new Rejection(
      "too_many_labels",
      `series: got ${labels.length} labels, expected at most ${LIMITS.labelsMaxPerSeries}`,
    );
  const long = labels.find(
    ({ name, value }) =>
      name.length > LIMITS.labelNameMaxCharacters || value.length > LIMITS.labelValueMaxCharacters,
  );
  if (long)
    throw new Rejection(
      "long_label",
      `series ${shown(labels)}: got a label of ${long.name.length} and ${long.value.length} characters, expected at most ${LIMITS.labelNameMaxCharacters} and ${LIMITS.labelValueMaxCharacters}`,
    );
  if (!labels.some(({ name, value }) => name === METRIC_NAME && value !== ""))
    throw new Rejection("no_metric_name", `series ${shown(labels)}: got no ${METRIC_NAME}`);
  const empty = labels.find(({ name, value }) => name === "" || value === "");
  if (empty)
    throw new Rejection(
      "empty_label",
      `series ${shown(labels)}: got the label ${shown([empty])}, expected a name and a value`,
    );
  if (new Set(labels.map(({ name }) => name)).size < labels.length)
    throw new Rejection("duplicate_label", `series ${shown(labels)}: got a label's name twice`);
  return sortLabels(labels);
}

function shown(labels: readonly Label[]): string {
  const short = (text: string) => (text.length > 32 ? `${text.slice(0, 32)}...` : text);
  const pairs = labels
    .slice(0, 4)
    .map(({ name, value }) => `${short(name)}=${JSON.stringify(short(value))}`);
  return `{${pairs.join(",")}${labels.length > 4 ? ",..." : ""}}`;
}
