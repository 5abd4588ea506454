/** Where the points of a batch stand: in groups as they came, and in runs of one context each. */
import type { Dictionary } from "./dictionary.ts";

/** The points of one context in a batch: positions `order[from]` to `order[to - 1]`. */
export interface Run {
  context: number;
  from: number;
  to: number;
}

/** A batch as the coder sees it. */
export interface PlacedPoints {
  /** In the order of runs: the place of the column (dictionary.ts). */
  places: Uint32Array;
  /** Two words a position, least first. */
  words: Uint32Array;
  floats: Float64Array;
  /** By place. */
  areInts: Uint8Array;
}

/** A sequence of shapes, with all that follows from it. */
export interface Placement {
  /** By group. */
  shapes: Uint32Array;
  count: number;
  /** By group: the position behind its last point. */
  ends: Uint32Array;
  /** By position. */
  columns: Uint32Array;
  /** Positions, run by run. */
  order: Uint32Array;
  /** The place of each one's column, run by run. */
  places: Uint32Array;
  runs: Run[];
}

/** The placement of a batch; the one before is taken again when its shapes are the same. */
export function placementOf(
  shapes: Uint32Array,
  dictionary: Dictionary,
  before: Placement | undefined,
): Placement {
  if (before && isEqual(before.shapes, shapes)) return before;
  // What is given may be used again for the next batch.
  const kept = shapes.slice();
  let count = 0;
  for (const shape of shapes) count += dictionary.shapes[shape]!.length;
  const columns = new Uint32Array(count);
  let end = 0;
  const ends = kept.map((shape) => {
    columns.set(dictionary.shapes[shape]!, end);
    return (end += dictionary.shapes[shape]!.length);
  });
  return { shapes: kept, count, ends, columns, ...runsOf(columns, dictionary) };
}

/** A counting sort by context, in which the order of points stays. */
function runsOf(
  columns: Uint32Array,
  { contexts, contextCount, places: placeOf }: Dictionary,
): Pick<Placement, "order" | "places" | "runs"> {
  const ends = new Uint32Array(contextCount);
  for (const column of columns) ends[contexts[column]!]!++;
  const runs: Run[] = [];
  let from = 0;
  for (let context = 0; context < contextCount; context++) {
    const to = from + ends[context]!;
    if (to > from) runs.push({ context, from, to });
    ends[context] = from;
    from = to;
  }
  const order = new Uint32Array(columns.length);
  const places = new Uint32Array(columns.length);
  for (let position = 0; position < columns.length; position++) {
    const column = columns[position]!;
    const at = ends[contexts[column]!]!++;
    order[at] = position;
    places[at] = placeOf[column]!;
  }
  return { order, places, runs };
}

function isEqual(left: Uint32Array, right: Uint32Array): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}
