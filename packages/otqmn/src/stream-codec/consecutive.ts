/** Numbers of which each is the one before and 1, as most streams have their columns: one array for all of them. */

/** From 0 on. */
let all = new Uint32Array(1_024).map((_, at) => at);

/** The same numbers in memory that is shared, and not to be written to; undefined when they are others. */
export function consecutive(numbers: Uint32Array): Uint32Array | undefined {
  const [first = 0] = numbers;
  for (let at = 0; at < numbers.length; at++) if (numbers[at] !== first + at) return undefined;
  const end = first + numbers.length;
  if (end > all.length) all = new Uint32Array(Math.max(end, 2 * all.length)).map((_, at) => at);
  return all.subarray(first, end);
}
