/** Whole numbers from the first to the last, both among them: of VNIs, and of subnets. Pure. */

export interface Span {
  first: number;
  last: number;
}

export const sizeOf = ({ first, last }: Span): number => last - first + 1;

export const overlap = (one: Span, other: Span): boolean =>
  one.first <= other.last && other.first <= one.last;

export const contains = (outer: Span, inner: Span): boolean =>
  outer.first <= inner.first && inner.last <= outer.last;

/** What is left of a span without the others, in order. */
export function without(span: Span, others: readonly Span[]): Span[] {
  const left: Span[] = [];
  let next = span.first;
  for (const other of others.toSorted((a, b) => a.first - b.first)) {
    if (!overlap(span, other)) continue;
    if (other.first > next) left.push({ first: next, last: other.first - 1 });
    next = Math.max(next, other.last + 1);
  }
  if (next <= span.last) left.push({ first: next, last: span.last });
  return left;
}

/** The spans cut at each multiple of the size: no piece is larger, and none reaches over a multiple. */
export function blocksOf(spans: readonly Span[], size: number): Span[] {
  return spans.flatMap(({ first, last }) => {
    const blocks: Span[] = [];
    for (let from = first; from <= last;) {
      const end = Math.min(last, from - (from % size) + size - 1);
      blocks.push({ first: from, last: end });
      from = end + 1;
    }
    return blocks;
  });
}

/** The numbers of a span that are not taken, the lowest first. */
export function freeOf({ first, last }: Span, taken: ReadonlySet<number>): number[] {
  const free: number[] = [];
  for (let number = first; number <= last; number++) if (!taken.has(number)) free.push(number);
  return free;
}

/** "70000-70999", "70000" */
export const spanText = ({ first, last }: Span): string =>
  first === last ? String(first) : `${first}-${last}`;
