/**
 * Attributes of OTLP as labels.
 * Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-attributes
 */
import type { AnyValue, KeyValue } from "@glassline/proto/otlp/common";

import { compareTexts } from "./labels.ts";
import { labelName } from "./names.ts";
import type { Label } from "./series.ts";

/** Keys that become one name share a label, in the order of the keys. An empty value is no label. */
export function labelsOf(attributes: readonly KeyValue[]): Label[] {
  const labels = new Map<string, string>();
  for (const { key, value } of attributes.toSorted((a, b) => compareTexts(a.key, b.key))) {
    const [name, text] = [labelName(key), textOf(value)];
    const before = labels.get(name);
    if (name !== "" && text !== "")
      labels.set(name, before === undefined ? text : `${before};${text}`);
  }
  return [...labels].map(([name, value]) => ({ name, value }));
}

/** Source: https://opentelemetry.io/docs/specs/otel/common/#anyvalue-representation-for-non-otlp-protocols */
export function textOf(any: AnyValue | undefined): string {
  const value = any?.value;
  if (value?.case === "arrayValue" || value?.case === "kvlistValue")
    return JSON.stringify(plainOf(any));
  return value?.case === undefined ? "" : String(plainOf(any));
}

function plainOf(any: AnyValue | undefined): unknown {
  const value = any?.value;
  switch (value?.case) {
    case undefined:
      return null;
    case "bytesValue":
      return Buffer.from(value.value).toString("base64");
    case "intValue": {
      const number = Number(value.value);
      return Number.isSafeInteger(number) ? number : value.value.toString();
    }
    case "arrayValue":
      return value.value.values.map(plainOf);
    case "kvlistValue":
      return Object.fromEntries(value.value.values.map((pair) => [pair.key, plainOf(pair.value)]));
    default:
      return value?.value;
  }
}
