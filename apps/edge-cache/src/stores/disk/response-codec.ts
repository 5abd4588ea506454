/** All variants of an object as the content of a record, and back. */
import type { FieldLine } from "../../core/http/fields.ts";
import { Fields } from "../../core/http/fields.ts";
import type { StoredResponse } from "../store.ts";
import type { Content } from "./record.ts";

/** What is said of a variant: JSON, in this order. */
type Said = readonly [
  status: number,
  /** Names and values in turn. */
  fields: readonly string[],
  selecting: readonly (readonly [name: string, value: string | null])[],
  lifetimeMs: number,
  noCache: boolean,
  mustRevalidate: boolean,
  staleWhileRevalidateMs: number,
  staleIfErrorMs: number | null,
  bornUnixMs: number,
  part: readonly [first: number, last: number, total: number | null] | null,
  tags: readonly string[],
  since: number,
  bodyBytes: number,
];

/** @param unixMs of a moment on the monotonic clock. */
export function contentOf(
  variants: readonly StoredResponse[],
  unixMs: (monotonicMs: number) => number,
): Content {
  const said = variants.map((variant) => saidOf(variant, unixMs(variant.bornMs)));
  return { meta: Buffer.from(JSON.stringify(said)), bodies: variants.map(({ body }) => body) };
}

function saidOf(response: StoredResponse, bornUnixMs: number): Said {
  const { status, fields, selecting, policy, part, tags, since, body } = response;
  return [
    status,
    fields.lines.flat(),
    [...selecting].map(([name, value]) => [name, value ?? null]),
    policy.lifetimeMs,
    policy.noCache,
    policy.mustRevalidate,
    policy.staleWhileRevalidateMs,
    policy.staleIfErrorMs ?? null,
    bornUnixMs,
    part ? [part.first, part.last, part.total ?? null] : null,
    tags,
    since,
    body.length,
  ];
}

/**
 * Bodies are views. Throws SyntaxError or RangeError for what `contentOf` never wrote.
 * @param monotonicMs of a Unix moment.
 */
export function variantsOf(
  meta: Buffer,
  bodies: Buffer,
  monotonicMs: (unixMs: number) => number,
): StoredResponse[] {
  let from = 0;
  const variants = (JSON.parse(meta.toString()) as readonly Said[]).map((said) => {
    const body = bodies.subarray(from, (from += said[12]));
    return variantOf(said, body, monotonicMs(said[8]));
  });
  if (from !== bodies.length)
    throw new RangeError(`bodies: got ${bodies.length} bytes, expected ${from}`);
  return variants;
}

function variantOf(said: Said, body: Buffer, bornMs: number): StoredResponse {
  const [status, raw, selecting, lifetimeMs, noCache, mustRevalidate] = said;
  const [, , , , , , staleWhileRevalidateMs, staleIfErrorMs, , part, tags, since] = said;
  const lines: FieldLine[] = [];
  for (let at = 0; at < raw.length; at += 2) lines.push([raw[at]!, raw[at + 1]!]);
  return {
    status,
    fields: new Fields(lines),
    selecting: new Map(selecting.map(([name, value]) => [name, value ?? undefined])),
    policy: {
      lifetimeMs,
      noCache,
      mustRevalidate,
      staleWhileRevalidateMs,
      staleIfErrorMs: staleIfErrorMs ?? undefined,
    },
    bornMs,
    body,
    part: part ? { first: part[0], last: part[1], total: part[2] ?? undefined } : undefined,
    tags,
    since,
  };
}
