type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The first so many numbers, in an array that has no room for more. */
export function trimmed<T extends Numbers>(from: T, length: number): T {
  return length < from.length ? (from.slice(0, length) as T) : from;
}

/** An array with the same numbers and room for at least so many; at least twice as large, so that growing is rare. The rest is 0. */
export function grown<T extends Numbers>(from: T, length: number): T {
  const Kind = from.constructor as new (length: number) => T;
  const to = new Kind(Math.max(length, 2 * from.length));
  to.set(from as never);
  return to;
}
