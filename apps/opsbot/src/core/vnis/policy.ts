/** Which range of VNIs is whose: by tenant, region and site. A range within another one is set aside. Pure. */
import type { Span } from "./spans.ts";
import { contains, overlap, spanText, without } from "./spans.ts";
import { VNIS } from "./vni.ts";

/** What a range is for; what is left out may be anything. */
export interface Scope {
  tenant?: string | undefined;
  region?: string | undefined;
  site?: string | undefined;
}

export interface Range extends Scope, Span {}

/** VNIs that the same wishes get. */
export interface Pool {
  /** Differs when its VNIs differ: "1-4095,8192-16777214". */
  key: string;
  /** For people: "tenant acme, site fra-1". */
  name: string;
  spans: readonly Span[];
}

/** The narrowest ones come first. */
const SCOPES = ["tenant", "site", "region"] as const;

export class MalformedRanges extends Error {
  override readonly name = "MalformedRanges";
}

/** Ranges are apart, or one is within the other. Throws MalformedRanges. */
export function checkRanges(ranges: readonly Range[]): void {
  for (const [at, range] of ranges.entries()) {
    if (range.first > range.last || !contains(VNIS, range))
      throw new MalformedRanges(
        `ranges[${at}]: got ${spanText(range)}, expected VNIs from ${VNIS.first} to ${VNIS.last}`,
      );
    for (const other of ranges.slice(0, at)) checkPair(other, range);
  }
}

function checkPair(one: Range, other: Range): void {
  const isSame = one.first === other.first && one.last === other.last;
  const isNested = contains(one, other) || contains(other, one);
  if (overlap(one, other) && (isSame || !isNested))
    throw new MalformedRanges(
      `ranges: got ${spanText(one)} and ${spanText(other)}, expected ranges that are apart, or one within the other`,
    );
}

/**
 * The narrowest ranges that fit: one with a tenant before one with a site, and that before one with a region. Undefined: none fits.
 * @param ranges checked; none at all: all VNIs are everybody's.
 */
export function poolFor(wish: Scope, ranges: readonly Range[]): Pool | undefined {
  const all: readonly Range[] = ranges.length === 0 ? [VNIS] : ranges;
  const fitting = all.filter((range) => fits(range, wish));
  const narrowest = Math.max(...fitting.map(narrowness));
  const chosen = fitting.filter((range) => narrowness(range) === narrowest);
  if (chosen.length === 0) return undefined;
  const spans = chosen
    .toSorted((a, b) => a.first - b.first)
    .flatMap((range) => without(range, within(range, all)));
  return { key: spans.map(spanText).join(","), name: scopeText(chosen[0]!), spans };
}

const fits = (range: Scope, wish: Scope) =>
  SCOPES.every((scope) => range[scope] === undefined || range[scope] === wish[scope]);

const narrowness = (range: Scope): number =>
  SCOPES.reduce((sum, scope) => sum * 2 + (range[scope] === undefined ? 0 : 1), 0);

const within = (range: Span, all: readonly Span[]) =>
  all.filter((other) => other !== range && contains(range, other));

function scopeText(scope: Scope): string {
  const named = SCOPES.filter((each) => scope[each] !== undefined);
  return named.map((each) => `${each} ${scope[each]}`).join(", ") || "everybody";
}
