/**
 * A verdict as monitoring plugins print it: a line for people, performance data, more lines. Text of others cannot end a line,
 * begin performance data or move a terminal's cursor. Pure.
 * Source: https://www.monitoring-plugins.org/doc/guidelines.html#PLUGOUTPUT
 */
import type { State } from "./check-state.ts";
import type { Range } from "./range.ts";
import { decimal, rangeText } from "./range.ts";
import type { Measure, Verdict } from "./verdict.ts";

/** Source: https://www.monitoring-plugins.org/doc/guidelines.html#AEN78 */
export const EXIT_CODES = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;

const FIRST_LINE_MAX_BYTES = 4_095;
const TEXT_MAX_BYTES = 1_024;
const DETAIL_MAX_BYTES = 512;
const DETAILS_MAX = 100;
/** What is longer is cut before anything is done with it. */
const TEXT_MAX_LENGTH = 4_096;
const LABEL_MAX_BYTES = 128;
const DECIMALS = 6;

export function pluginOutput(
  name: string,
  { state, output, measures = [], details = [] }: Verdict,
) {
  const text = cut(
    `${name.toUpperCase()} ${state.toUpperCase()}: ${plain(output)}`,
    TEXT_MAX_BYTES,
  );
  const { data, left } = performanceData(measures, FIRST_LINE_MAX_BYTES - bytesOf(text) - 3);
  const more = details.slice(0, DETAILS_MAX).map((line) => cut(plain(line), DETAIL_MAX_BYTES));
  if (details.length > DETAILS_MAX)
    more.push(`${details.length - DETAILS_MAX} more lines left out`);
  if (left > 0) more.push(`performance data of ${left} more left out`);
  return {
    text: [data === "" ? text : `${text} | ${data}`, ...more, ""].join("\n"),
    exitCode: EXIT_CODES[state],
  };
}

/** What fits. @returns also how many do not. */
function performanceData(measures: readonly Measure[], maxBytes: number) {
  const kept: string[] = [];
  let bytes = 0;
  for (const item of measures.map(performanceItem)) {
    bytes += bytesOf(item) + 1;
    if (bytes > maxBytes) break;
    kept.push(item);
  }
  return { data: kept.join(" "), left: measures.length - kept.length };
}

/** 'label'=value[UOM];[warn];[crit];[min];[max], without the semicolons at its end. */
function performanceItem({ label, value, unit, limits, min, max }: Measure): string {
  const fields = [
    number(value, unit),
    range(limits?.warning),
    range(limits?.critical),
    bound(min),
    bound(max),
  ];
  // Neither sign may be in a label.
  const name = cut(plain(label), LABEL_MAX_BYTES).replaceAll(/['=]/g, "_");
  return `'${name}'=${fields.join(";").replace(/;+$/, "")}`;
}

/** "U": it could not be determined. */
const number = (value: number, unit: string) =>
  Number.isFinite(value) ? `${decimal(rounded(value))}${unit}` : "U";
const bound = (value: number | undefined) => (value === undefined ? "" : decimal(rounded(value)));
const range = (limit: Range | undefined) => (limit ? rangeText(limit) : "");
const rounded = (value: number) => Number(value.toFixed(DECIMALS));

/** Control, format and separator characters as spaces, and no sign that begins performance data. */
function plain(text: string): string {
  return text
    .slice(0, TEXT_MAX_LENGTH)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, " ")
    .replaceAll("|", "/")
    .trim();
}

const encoder = new TextEncoder();
const bytesOf = (text: string) => encoder.encode(text).length;

/** To so many bytes of UTF-8 at most, on a character's border. */
function cut(text: string, maxBytes: number): string {
  if (bytesOf(text) <= maxBytes) return text;
  const room = new Uint8Array(maxBytes - 3);
  return `${text.slice(0, encoder.encodeInto(text, room).read)}...`;
}

export const STATE_WORDS: Readonly<Record<string, State>> = {
  OK: "ok",
  WARNING: "warning",
  CRITICAL: "critical",
  UNKNOWN: "unknown",
};
