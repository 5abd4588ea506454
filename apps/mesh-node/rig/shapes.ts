/** Shapes of a mesh, as pairs of machines that are joined. Pure. */
import type { Pair } from "./medium.ts";

/** Of `side` times `side`: number 1 in one corner, the last one in the opposite one. */
export function gridPairs(side: number): Pair[] {
  const number = (x: number, y: number) => 1 + x + side * y;
  const pairs: Pair[] = [];
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      if (x + 1 < side) pairs.push([number(x, y), number(x + 1, y)]);
      if (y + 1 < side) pairs.push([number(x, y), number(x, y + 1)]);
    }
  return pairs;
}

export function ringPairs(count: number): Pair[] {
  return Array.from({ length: count }, (_, at) => [1 + at, 1 + ((at + 1) % count)] as const);
}
