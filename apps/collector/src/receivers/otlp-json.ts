import type { JsonValue } from "@bufbuild/protobuf";

const HEX_KEYS: ReadonlySet<string> = new Set(["traceId", "spanId", "parentSpanId"]);
const DEPTH_MAX = 64;

/**
 * OTLP's JSON as protobuf's: ids are hexadecimal in the one, base64 in the other.
 * Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function otlpJson(value: JsonValue, depth = 0): JsonValue {
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
