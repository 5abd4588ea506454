/** A request without its viewer's token. Pure. */
import type { FieldLine } from "./http/fields.ts";
import { Fields } from "./http/fields.ts";
import { redacted } from "./token-query.ts";

/** What other caches and the origin see of it. */
export function redactedFields(fields: Fields): Fields {
  const lines = fields.lines.flatMap((line): FieldLine[] => {
    const [name, value] = line;
    if (name === "authorization" && /^Bearer\b/i.test(value)) return [];
    return [name === "referer" ? [name, redacted(value)] : line];
  });
  return new Fields(lines);
}
