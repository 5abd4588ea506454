/** Ranges of bytes (RFC 9110 section 14). One range is answered; of several the whole is sent, as section 14.2 allows. Pure. */

/** First and last byte, inclusive. */
export interface ByteRange {
  first: number;
  last: number;
}

/** As asked for: "bytes=2-5", "bytes=2-", "bytes=-5". */
export type RangeSpec = { first: number; last: number | undefined } | { suffix: number };

/** Undefined when there is none that this cache answers: the whole is sent. */
export function rangeSpec(range: string | undefined): RangeSpec | undefined {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(range ?? "");
  if (!match) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? undefined : { suffix: Number(last) };
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return { first: Number(first), last: last === "" ? undefined : Number(last) };
}

/** Of a representation of so many bytes; "unsatisfiable": 416. */
export function resolveRange(spec: RangeSpec, length: number): ByteRange | "unsatisfiable" {
  if ("suffix" in spec) {
    if (spec.suffix === 0 || length === 0) return "unsatisfiable";
    return { first: Math.max(0, length - spec.suffix), last: length - 1 };
  }
  if (spec.first >= length) return "unsatisfiable";
  return { first: spec.first, last: Math.min(spec.last ?? length - 1, length - 1) };
}

export interface ContentRange extends ByteRange {
  /** Of the whole; undefined: not known. */
  total: number | undefined;
}

/** "bytes 4-9/10"; undefined for any other. */
export function contentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(value ?? "");
  if (!match) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const total = match[3] === "*" ? undefined : Number(match[3]);
  return first > last || (total !== undefined && last >= total)
    ? undefined
    : { first, last, total };
}

export const formatContentRange = ({ first, last }: ByteRange, total: number | undefined): string =>
  `bytes ${first}-${last}/${total ?? "*"}`;
