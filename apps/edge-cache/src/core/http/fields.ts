/** Header fields of a message, line by line, as they came. Pure. */

/** A name in lower case, and its value. */
export type FieldLine = readonly [name: string, value: string];

export class Fields {
  readonly lines: readonly FieldLine[];

  constructor(lines: readonly FieldLine[]) {
    this.lines = lines;
  }

  /** @param raw names and values in turn, as Node's parsers give them. */
  static ofRaw(raw: readonly string[]): Fields {
    const lines: FieldLine[] = [];
    for (let at = 0; at + 1 < raw.length; at += 2)
      lines.push([raw[at]!.toLowerCase(), raw[at + 1]!.trim()]);
    return new Fields(lines);
  }

  first(name: string): string | undefined {
    return this.lines.find(([each]) => each === name)?.[1];
  }

  all(name: string): string[] {
    return this.lines.filter(([each]) => each === name).map(([, value]) => value);
  }

  /** All lines of one name as one value (RFC 9110 section 5.3). */
  combined(name: string): string | undefined {
    const values = this.all(name);
    return values.length === 0 ? undefined : values.join(", ");
  }

  /** Members of a list of tokens, without the empty ones (RFC 9110 section 5.6.1). */
  tokens(name: string): string[] {
    return this.all(name)
      .flatMap((value) => value.split(","))
      .map((token) => token.trim())
      .filter((token) => token !== "");
  }

  has(name: string): boolean {
    return this.lines.some(([each]) => each === name);
  }

  without(names: { has(name: string): boolean }): Fields {
    return new Fields(this.lines.filter(([name]) => !names.has(name)));
  }

  with(...more: readonly FieldLine[]): Fields {
    return new Fields([...this.lines, ...more]);
  }
}

/** It is told anew with each answer (RFC 9111 section 5.1). */
export const AGE: ReadonlySet<string> = new Set(["age"]);

/** Fields of one connection only (RFC 9110 section 7.6.1), beside those that Connection names. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What is passed on and stored: without what is about one connection. */
export function endToEnd(fields: Fields): Fields {
  const named = new Set(fields.tokens("connection").map((name) => name.toLowerCase()));
  return new Fields(fields.lines.filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name)));
}
