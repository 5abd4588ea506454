/** The points of a segment, sorted by camera and cut into chunks, each of which can be read by itself. */
import { BundleWriter } from "@glassline/otqmn/bundle-writer";
import { CodecError } from "@glassline/otqmn/codec-error";
import type { Series } from "@glassline/otqmn/sample";

import type { RecordPoints } from "../core/record-reader.ts";
import { Rollup, minuteOf } from "../core/rollup.ts";
import { LATEST_TIME } from "../core/times.ts";

/** A reader decodes a chunk for one camera's sake: about half a millisecond. */
const CHUNK_POINTS = 16_384;

export interface Chunk {
  firstCamera: string;
  lastCamera: string;
  leastTimeUnixNano: bigint;
  greatestTimeUnixNano: bigint;
  points: number;
  bytes: Uint8Array;
}

/** Positions of one batch that have one camera and one time. */
interface Range {
  batch: RecordPoints;
  group: number;
  from: number;
  to: number;
}

interface CameraRanges {
  cameraId: string;
  /** In order of arrival. */
  ranges: Range[];
}

export class BlockBuilder {
  readonly #cameras = new Map<string, CameraRanges>();
  /** By array of series: whose each is. The arrays grow. */
  readonly #owners = new WeakMap<readonly Series[], CameraRanges[]>();
  readonly #rollupsOf = new WeakMap<readonly Series[], Rollup[]>();
  /** By metric. */
  readonly rollups = new Map<string, Rollup>();
  points = 0;

  add(batch: RecordPoints): void {
    const owners = this.#ownersOf(batch.series);
    const rollups = this.#rollupsFor(batch.series);
    const { column, value, groupEnd, groupTimeUnixNano } = batch;
    let at = 0;
    for (let group = 0; group < groupEnd.length; group++) {
      const end = groupEnd[group]!;
      const minute = minuteOf(groupTimeUnixNano[group]!);
      while (at < end) {
        const from = at;
        const owner = owners[column[at]!]!;
        do rollups[column[at]!]!.add(minute, value[at++]!);
        while (at < end && owners[column[at]!] === owner);
        owner.ranges.push({ batch, group, from, to: at });
      }
    }
    this.points += column.length;
  }

  /** In order of cameras. */
  *chunks(): Generator<Chunk> {
    const cameras = [...this.#cameras.values()].toSorted((a, b) =>
      a.cameraId < b.cameraId ? -1 : 1,
    );
    let draft = new ChunkDraft();
    for (const { cameraId, ranges } of cameras) {
      for (const range of ranges) {
        if (draft.points + range.to - range.from > CHUNK_POINTS && draft.points > 0) {
          yield* finished(draft);
          draft = new ChunkDraft();
        }
        draft.add(cameraId, range);
      }
    }
    if (draft.points > 0) yield* finished(draft);
  }

  #ownersOf(series: readonly Series[]): CameraRanges[] {
    let owners = this.#owners.get(series);
    if (!owners) this.#owners.set(series, (owners = []));
    for (let number = owners.length; number < series.length; number++)
      owners.push(this.#camera(series[number]!.cameraId));
    return owners;
  }

  #rollupsFor(series: readonly Series[]): Rollup[] {
    let rollups = this.#rollupsOf.get(series);
    if (!rollups) this.#rollupsOf.set(series, (rollups = []));
    for (let number = rollups.length; number < series.length; number++) {
      const { metric } = series[number]!;
      let rollup = this.rollups.get(metric);
      if (!rollup) this.rollups.set(metric, (rollup = new Rollup()));
      rollups.push(rollup);
    }
    return rollups;
  }

  #camera(cameraId: string): CameraRanges {
    let camera = this.#cameras.get(cameraId);
    if (!camera) this.#cameras.set(cameraId, (camera = { cameraId, ranges: [] }));
    return camera;
  }
}

/** In halves where the definitions of many series are too much for one. */
function* finished(draft: ChunkDraft): Generator<Chunk> {
  let chunk: Chunk;
  try {
    chunk = draft.finish();
  } catch (error) {
    const halves = error instanceof CodecError ? draft.halves() : [];
    if (halves.length === 0) throw error;
    for (const half of halves) yield* finished(half);
    return;
  }
  yield chunk;
}

class ChunkDraft {
  readonly #cameras: string[] = [];
  readonly #ranges: Range[] = [];
  points = 0;

  add(cameraId: string, range: Range): void {
    if (this.#cameras.at(-1) !== cameraId) this.#cameras.push(cameraId);
    this.#ranges.push(range);
    this.points += range.to - range.from;
  }

  /** None of one that cannot be divided. */
  halves(): ChunkDraft[] {
    const middle = this.#ranges.length >>> 1;
    if (middle === 0) return [];
    return [this.#ranges.slice(0, middle), this.#ranges.slice(middle)].map((ranges) => {
      const half = new ChunkDraft();
      for (const range of ranges)
        half.add(range.batch.series[range.batch.column[range.from]!]!.cameraId, range);
      return half;
    });
  }

  finish(): Chunk {
    const series: Series[] = [];
    const indexes = new Map<Series, number>();
    const seriesIndex = new Uint32Array(this.points);
    const timeUnixNano = new BigUint64Array(this.points);
    const value = new Float64Array(this.points);
    let at = 0;
    for (const { batch, group, from, to } of this.#ranges) {
      timeUnixNano.fill(batch.groupTimeUnixNano[group]!, at, at + to - from);
      value.set(batch.value.subarray(from, to), at);
      for (let position = from; position < to; position++) {
        const one = batch.series[batch.column[position]!]!;
        let index = indexes.get(one);
        if (index === undefined) indexes.set(one, (index = series.push(one) - 1));
        seriesIndex[at++] = index;
      }
    }
    const bundle = { series, seriesIndex, timeUnixNano, value, cameras: [], traceContexts: [] };
    return {
      firstCamera: this.#cameras[0]!,
      lastCamera: this.#cameras.at(-1)!,
      ...timesOf(this.#ranges),
      points: this.points,
      bytes: new BundleWriter().encode(bundle),
    };
  }
}

function timesOf(
  ranges: readonly Range[],
): Pick<Chunk, "leastTimeUnixNano" | "greatestTimeUnixNano"> {
  let least = LATEST_TIME;
  let greatest = 0n;
  for (const { batch, group } of ranges) {
    const time = batch.groupTimeUnixNano[group]!;
    if (time < least) least = time;
    if (time > greatest) greatest = time;
  }
  return { leastTimeUnixNano: least, greatestTimeUnixNano: greatest };
}
