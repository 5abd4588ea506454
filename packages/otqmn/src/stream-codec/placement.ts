/** Where the points of a batch stand: in groups as they came, and in runs of one context each. */
import { consecutive } from "./consecutive.ts";
import type { Dictionary } from "./dictionary.ts";
import { shared } from "./shared-numbers.ts";

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
  /** It has come again: its arrays are shared with streams that have equal ones. */
  isShared: boolean;
}

/** The placement of a batch; the one before is taken again when its shapes are the same. */
export function placementOf(
  shapes: Uint32Array,
  dictionary: Dictionary,
  before: Placement | undefined,
): Placement {
  if (before && isEqual(before.shapes, shapes)) return before.isShared ? before : share(before);
  // What is given may be used again for the next batch.
  const kept = shapes.slice();
  const { shapes: known } = dictionary;
  let count = 0;
  const ends = kept.map((shape) => (count += known.size(shape)));
  const columns = new Uint32Array(count);
  let end = 0;
  for (const shape of kept)
    for (let place = known.from(shape); place < known.end(shape); place++)
      columns[end++] = known.columns[place]!;
  const common = consecutive(columns) ?? columns;
  return {
    shapes: kept,
    count,
    ends,
    columns: common,
    ...runsOf(columns, dictionary),
    isShared: false,
  };
}

/** Of streams that go on. */
function share(placement: Placement): Placement {
  placement.shapes = shared(placement.shapes);
  placement.ends = shared(placement.ends);
  placement.order = shared(placement.order);
  placement.places = shared(placement.places);
  placement.isShared = true;
  return placement;
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
