/**
 * Thresholds as ranges: outside of one, or inside when it begins with "@", a value alerts. Pure.
 * Source: https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT
 */
import type { State } from "./check-state.ts";

export interface Range {
  /** Both ends belong to the range; they may be infinite. */
  start: number;
  end: number;
  /** Values in the range alert, not those outside. */
  inside: boolean;
}

/** Of a measured value. */
export interface Limits {
  warning?: Range | undefined;
  critical?: Range | undefined;
}

export const RANGE_FORMS = "a range such as 10, 10:, ~:10, 10:20 or @10:20";
const RANGE_MAX_LENGTH = 64;
const NUMBER = String.raw`-?(?:\d+(?:\.\d+)?|\.\d+)`;
const RANGE = new RegExp(`^(@?)(?:(${NUMBER}|~):)?(${NUMBER})?$`);

/** Throws an Error that says what was expected. */
export function parseRange(text: string): Range {
  const match = text.length <= RANGE_MAX_LENGTH ? RANGE.exec(text) : null;
  const [, at, start, end] = match ?? [];
  if (!match || (start === undefined && end === undefined))
    throw new Error(`expected ${RANGE_FORMS}`);
  const range = {
    start: start === "~" ? Number.NEGATIVE_INFINITY : Number(start ?? 0),
    end: end === undefined ? Number.POSITIVE_INFINITY : Number(end),
    inside: at === "@",
  };
  if (range.start > range.end)
    throw new Error(`expected ${RANGE_FORMS}: its start is not above its end`);
  return range;
}

export const atLeast = (start: number): Range => ({
  start,
  end: Number.POSITIVE_INFINITY,
  inside: false,
});
export const upTo = (end: number): Range => ({ start: 0, end, inside: false });

export function alerts({ start, end, inside }: Range, value: number): boolean {
  return (value >= start && value <= end) === inside;
}

export function stateOf(value: number, { warning, critical }: Limits): State {
  if (critical && alerts(critical, value)) return "critical";
  return warning && alerts(warning, value) ? "warning" : "ok";
}

/** As `parseRange` reads it. */
export function rangeText({ start, end, inside }: Range): string {
  const last = end === Number.POSITIVE_INFINITY ? "" : decimal(end);
  const first = start === Number.NEGATIVE_INFINITY ? "~" : decimal(start);
  return `${inside ? "@" : ""}${first === "0" && last !== "" ? "" : `${first}:`}${last}`;
}

/** The end that a healthy value stays away from; undefined when it has two or none. */
export function limitOf({ start, end }: Range): number | undefined {
  const isOpen = start === Number.NEGATIVE_INFINITY || start === 0;
  if (end === Number.POSITIVE_INFINITY) return Number.isFinite(start) ? start : undefined;
  return isOpen ? end : undefined;
}

/** Without an exponent, which thresholds and performance data do not have. */
export function decimal(value: number): string {
  if (value === 0) return "0";
  if (Number.isInteger(value)) return BigInt(value).toString();
  const [digits = "", zeros] = String(value).split("e-");
  if (zeros === undefined) return digits;
  const sign = value < 0 ? "-" : "";
  return `${sign}0.${"0".repeat(Number(zeros) - 1)}${digits.replaceAll(/[-.]/g, "")}`;
}
