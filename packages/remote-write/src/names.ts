/**
 * Names as Prometheus's tools expect them.
 * Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-metadata-1
 */

/** A metric's name: [a-zA-Z_:][a-zA-Z0-9_:]*. */
export function metricName(name: string): string {
  const clean = name.replaceAll(/[^a-zA-Z0-9_:]/g, "_").replaceAll(/__+/g, "_");
  return /^[0-9]/.test(clean) ? `_${clean}` : clean;
}

/** A label's name: [a-zA-Z_][a-zA-Z0-9_]*. */
export function labelName(name: string): string {
  const clean = name.replaceAll(/[^a-zA-Z0-9_]/g, "_").replaceAll(/__+/g, "_");
  return /^[0-9]/.test(clean) ? `key_${clean}` : clean;
}

/** UCUM's units, in words. Source: https://ucum.org/ucum, https://prometheus.io/docs/practices/naming/#base-units */
const UNITS: Readonly<Record<string, string>> = {
  d: "days",
  h: "hours",
  min: "minutes",
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
  By: "bytes",
  KiBy: "kibibytes",
  MiBy: "mebibytes",
  GiBy: "gibibytes",
  TiBy: "tibibytes",
  KBy: "kilobytes",
  MBy: "megabytes",
  GBy: "gigabytes",
  TBy: "terabytes",
  B: "bytes",
  KB: "kilobytes",
  MB: "megabytes",
  GB: "gigabytes",
  TB: "terabytes",
  m: "meters",
  V: "volts",
  A: "amperes",
  J: "joules",
  W: "watts",
  g: "grams",
  Cel: "celsius",
  Hz: "hertz",
  "1": "ratio",
  "%": "percent",
};
const PER: Readonly<Record<string, string>> = {
  s: "second",
  min: "minute",
  h: "hour",
  d: "day",
  w: "week",
  mo: "month",
  y: "year",
};

/** "By/s" becomes "bytes_per_second", "{frame}" nothing. */
export function unitInWords(unit: string): string {
  const [what = "", per = ""] = unit.replaceAll(/\{[^}]*\}/g, "").split("/");
  const words = metricName(UNITS[what.trim()] ?? what.trim());
  const perWords = metricName(PER[per.trim()] ?? per.trim());
  return perWords === "" ? words : `${words}${words === "" ? "" : "_"}per_${perWords}`;
}

/**
 * A name with its unit and, of a counter, `_total`.
 * "1" is "ratio" for gauges only: of a counter it says that things are counted.
 */
export function nameWithSuffixes(name: string, unit: string, kind: "counter" | "gauge" | "other") {
  const words = unit === "1" && kind !== "gauge" ? "" : unitInWords(unit);
  const base = metricName(kind === "counter" ? name.replace(/_total$/, "") : name);
  const hasUnit = words === "" || `_${base}_`.includes(`_${words}_`);
  return `${base}${hasUnit ? "" : `_${words}`}${kind === "counter" ? "_total" : ""}`;
}
