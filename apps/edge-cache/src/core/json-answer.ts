/** An answer of this edge itself, as JSON. Pure. */
import type { FieldLine } from "./http/fields.ts";

export interface JsonAnswer {
  text: string;
  /** Bytes. */
  length: number;
  fields: readonly FieldLine[];
}

export function jsonAnswer(body: object): JsonAnswer {
  const text = JSON.stringify(body);
  const length = new TextEncoder().encode(text).length;
  const fields: FieldLine[] = [
    ["content-type", "application/json; charset=utf-8"],
    ["content-length", String(length)],
  ];
  return { text, length, fields };
}
