import type { JsonValue } from "@bufbuild/protobuf";

const HEX_KEYS: ReadonlySet<string> = new Set(["traceId", "spanId", "parentSpanId"]);
const DEPTH_MAX = 64;

/** An integer that a number cannot hold exactly may be in such a text. */
const LONG_INTEGER = /[^"\d.]-?\d{16,}\s*[,\]}]/;

/** Reads OTLP's JSON as protobuf's. 64-bit integers may be written as numbers, and stay exact. Throws Error. */
export function parseOtlpJson(text: string): JsonValue {
  return otlpJson(
    JSON.parse(text, LONG_INTEGER.test(text) ? exactInteger : undefined) as JsonValue,
  );
}

/** Source: https://tc39.es/proposal-json-parse-with-source/ */
function exactInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? source : value;
}

/**
 * OTLP's JSON as protobuf's: ids are hexadecimal in the one, base64 in the other.
 * Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
function otlpJson(value: JsonValue, depth = 0): JsonValue {
  if (depth > DEPTH_MAX) throw new Error(`got JSON nested deeper than ${DEPTH_MAX}`);
  if (Array.isArray(value)) return value.map((item) => otlpJson(item, depth + 1));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      HEX_KEYS.has(key) && typeof item === "string"
        ? base64OfHex(key, item)
        : otlpJson(item, depth + 1),
    ]),
  );
}

function base64OfHex(key: string, text: string): string {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text))
    throw new Error(`${key}: got ${JSON.stringify(text)}, expected pairs of hexadecimal digits`);
  return Buffer.from(text, "hex").toString("base64");
}
