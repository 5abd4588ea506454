import { ageText } from "./time.ts";

/** A number and its unit, written for people. */
export interface Quantity {
  text: string;
  unit: string;
}

const UNIT_TEXT: Readonly<Record<string, string>> = {
  "1": "",
  Cel: "°C",
  deg: "°",
  degC: "°C",
  "m/s2": "m/s²",
  us: "µs",
};

const INTEGER = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SI_PREFIXES = ["", "k", "M", "G", "T", "P"];
/** From here on a duration reads better as "2 min" than as seconds. */
const LONG_DURATION_S = 100;

/** UCUM to what stands on an instrument: "Cel" is "°C", "{frame}" is "frames", "1" is nothing. */
export function unitText(unit: string): string {
  const annotation = /^\{(.+)\}$/.exec(unit)?.[1];
  return annotation ? `${annotation}s` : (UNIT_TEXT[unit] ?? unit);
}

/** A value with its unit. Decimals depend on the magnitude only, so that a live number does not jitter. */
export function quantity(value: number, unit: string): Quantity {
  if (!Number.isFinite(value)) return { text: String(value), unit: "" };
  if (unit === "By") return bytes(value);
  if (unit === "s") return seconds(value);
  const counted = unit.startsWith("{") && Number.isInteger(value);
  return { text: counted ? compact(value) : plain(value), unit: unitText(unit) };
}

/** What grows by `value` a second. What is counted is the metric's name already: "30.0 /s", not "30.0 frames/s". */
export function rateQuantity(value: number, unit: string): Quantity {
  if (unit !== "By")
    return { text: plain(value), unit: unit.startsWith("{") ? "/s" : `${unitText(unit)}/s` };
  const { text, unit: scaledUnit } = bytes(value);
  return { text, unit: `${scaledUnit}/s` };
}

/** "1.24 MB". */
export function bytesText(value: number): string {
  const { text, unit } = bytes(value);
  return `${text} ${unit}`;
}

/** "84 ms", "1.20 s", "2 min"; for spans and exposure times. */
export function durationText(durationMs: number): string {
  const { text, unit } = seconds(durationMs / 1_000);
  return unit ? `${text} ${unit}` : text;
}

/** "12,408", or "1.24 M" from a hundred thousand on. */
export function compact(value: number): string {
  if (Math.abs(value) < 100_000) return INTEGER.format(value);
  const { text, prefix } = scaled(value);
  return `${text} ${prefix}`;
}

/** A number without unit. */
export function plain(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e6) return compact(value);
  if (size >= 1_000) return INTEGER.format(value);
  if (size < 0.0005) return value.toExponential(1);
  return value.toFixed(size >= 100 ? 1 : size >= 1 ? 2 : 3);
}

function bytes(value: number): Quantity {
  const { text, prefix } = scaled(value);
  return { text, unit: `${prefix}B` };
}

function seconds(value: number): Quantity {
  const size = Math.abs(value);
  if (size >= LONG_DURATION_S) return { text: ageText(value * 1_000), unit: "" };
  if (size >= 1) return { text: value.toFixed(size >= 10 ? 1 : 2), unit: "s" };
  if (size >= 0.001 || size === 0) return { text: threeDigits(value * 1e3), unit: "ms" };
  return { text: threeDigits(value * 1e6), unit: "µs" };
}

function scaled(value: number): { text: string; prefix: string } {
  const power = Math.min(
    Math.floor(Math.log10(Math.max(Math.abs(value), 1)) / 3),
    SI_PREFIXES.length - 1,
  );
  const number = value / 1_000 ** power;
  return {
    text: power === 0 ? INTEGER.format(number) : threeDigits(number),
    prefix: SI_PREFIXES[power]!,
  };
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}
