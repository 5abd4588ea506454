/**
 * Performance data of monitoring plugins: 'label'=value[unit];[warning];[critical];[min];[max]. Pure.
 * Source: https://www.monitoring-plugins.org/doc/guidelines.html#AEN197
 */

export interface Measured {
  value: number;
  /** "%", "s", "B", "c"; empty: none. */
  unit: string;
  /** The end of a range where a problem begins; undefined where there is none, or a range with two ends. */
  warning: number | undefined;
  critical: number | undefined;
}

const ITEM =
  /^(?:'(?:[^']|'')*'|[^'=]+)=([-+]?[\d.]+(?:e[-+]?\d+)?)([^;\d]*)(?:;([^;]*))?(?:;([^;]*))?/i;
const TEXT_MAX_CHARS = 1_000;

/** The first measured value of a result; undefined when there is none. */
export function firstMeasured(items: unknown): Measured | undefined {
  if (!Array.isArray(items)) return undefined;
  const list: readonly unknown[] = items;
  const [first] = list;
  return typeof first === "string" ? measured(first) : undefined;
}

function measured(text: string): Measured | undefined {
  const [, value = "", unit = "", warning = "", critical = ""] =
    ITEM.exec(text.slice(0, TEXT_MAX_CHARS)) ?? [];
  if (!isNumber(value)) return undefined;
  return {
    value: Number(value),
    unit: unit.trim(),
    warning: limitOf(warning),
    critical: limitOf(critical),
  };
}

/** "80", "80:" (a problem below it) and "~:80" have one end. */
function limitOf(range: string): number | undefined {
  const [, below, above] = /^@?(?:~:|0:)?([^:]+)$|^@?([^:~]+):$/.exec(range.trim()) ?? [];
  const limit = below ?? above ?? "";
  return isNumber(limit) ? Number(limit) : undefined;
}

const isNumber = (text: string) => text !== "" && Number.isFinite(Number(text));
