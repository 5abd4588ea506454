/** Whether every word of the filter occurs in the text; the case does not matter. */
export function matches(text: string, filter: string): boolean {
  const folded = text.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => folded.includes(word));
}

/** The names that are nearest to what was asked for, best first. */
export function nearest(asked: string, names: readonly string[], count: number): string[] {
  const wanted = asked.toLowerCase();
  return names
    .map((name) => ({ name, distance: distanceOf(wanted, name.toLowerCase()) }))
    .toSorted(
      (left, right) => left.distance - right.distance || left.name.localeCompare(right.name),
    )
    .slice(0, count)
    .map(({ name }) => name);
}

/** Levenshtein's distance; a name that contains what was asked is nearer. */
function distanceOf(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const change = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row.at(-1)! - (right.includes(left) ? left.length : 0);
}
