/** Points of one series, as queries show them. */
export interface Point {
  timeUnixNano: bigint;
  value: number;
}

/** Sorts by time unless that is so already. Stable: points of one time stay in order of arrival. */
export function inOrder(points: Point[]): Point[] {
  const sorted = points.every(
    (point, at) => at === 0 || points[at - 1]!.timeUnixNano <= point.timeUnixNano,
  );
  return sorted
    ? points
    : points.sort((a, b) =>
        a.timeUnixNano < b.timeUnixNano ? -1 : a.timeUnixNano > b.timeUnixNano ? 1 : 0,
      );
}
