/** The name of a block's file: the first record's index, and the times of its points, so that a start knows them without opening it. */

export interface BlockName {
  firstIndex: number;
  /** In milliseconds since 1970, rounded down. A block without points has 0. */
  leastMs: number;
  greatestMs: number;
}

const NAME = /^(\d{16})-(\d{1,14})-(\d{1,14})\.block$/;
const INDEX_DIGITS = 16;
const MS_NANO = 1_000_000n;

export const indexName = (firstIndex: number) => String(firstIndex).padStart(INDEX_DIGITS, "0");

export function nameOf({ firstIndex, leastMs, greatestMs }: BlockName): string {
  return `${indexName(firstIndex)}-${leastMs}-${greatestMs}.block`;
}

/** Undefined when it is no block's. */
export function readName(name: string): BlockName | undefined {
  const match = NAME.exec(name);
  if (!match) return undefined;
  const [firstIndex, leastMs, greatestMs] = match.slice(1).map(Number);
  return { firstIndex: firstIndex!, leastMs: leastMs!, greatestMs: greatestMs! };
}

export const millisecondOf = (timeUnixNano: bigint): number => Number(timeUnixNano / MS_NANO);

/** Whether it may have points of `from` <= time < `to`, in nanoseconds since 1970. */
export function mayHold({ leastMs, greatestMs }: BlockName, from: bigint, to: bigint): boolean {
  return leastMs <= millisecondOf(to) && greatestMs >= millisecondOf(from);
}
