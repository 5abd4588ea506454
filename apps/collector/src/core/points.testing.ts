/** Columns from rows and back, for tests. */
import { Points, momentOf } from "./points.ts";

/** Time (Unix nanoseconds) and value. */
export type Row = [timeUnixNano: bigint, value: number];

export function pointsOf(rows: readonly Row[]): Points {
  const points = new Points();
  for (const [time, value] of rows) points.add(...momentOf(time), value);
  return points;
}

export function rowsOf(points: Points): Row[] {
  return Array.from({ length: points.length }, (_, at) => [
    points.timeUnixNano(at),
    points.values[at]!,
  ]);
}
