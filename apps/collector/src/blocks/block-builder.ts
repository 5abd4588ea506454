/** The points of a segment, sorted by camera and cut into chunks, each of which can be read by itself. */
import { bigintAt, bigintsOf } from "@glassline/otqmn/words";
import { CodecError } from "@glassline/otqmn/codec-error";
import type { Series } from "@glassline/otqmn/sample";
import { encodeBundle } from "@glassline/otqmn/whole-bundle";

import type { RecordPoints } from "../core/record-reader.ts";
import { Rollup, minuteOf } from "../core/rollup.ts";
import type { SeriesByNumber } from "../core/run-series.ts";
import { RunSeries, SharedQuantities } from "../core/run-series.ts";
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

/** What is known of the series of a run, or of OTLP's definitions, by the numbers that `series` has for cameras and quantities. */
interface KnownSeries {
  series: RunSeries;
  owners: CameraRanges[];
  rollups: Rollup[];
}

/** Series of OTLP's definitions, which come in one segment after another. */
const ofDefinitions = new WeakMap<SeriesByNumber, RunSeries>();
const quantities = new SharedQuantities();

function numbered(series: SeriesByNumber): RunSeries {
  if (series instanceof RunSeries) return series;
  let known = ofDefinitions.get(series);
  if (!known) ofDefinitions.set(series, (known = new RunSeries(quantities)));
  return known;
}

export class BlockBuilder {
  readonly #cameras = new Map<string, CameraRanges>();
  readonly #known = new WeakMap<SeriesByNumber, KnownSeries>();
  /** By metric. */
  readonly rollups = new Map<string, Rollup>();
  points = 0;

  add(batch: RecordPoints): void {
    const { owners, rollups, series } = this.#knownOf(batch.series);
    const { cameraOf, quantityOf } = series;
    const { column, value, groupEnd } = batch;
    const groupTimeUnixNano = bigintsOf(batch.groupTime);
    let at = 0;
    for (let group = 0; group < groupEnd.length; group++) {
      const end = groupEnd[group]!;
      const minute = minuteOf(groupTimeUnixNano[group]!);
      while (at < end) {
        const from = at;
        const camera = cameraOf[column[at]!]!;
        do rollups[quantityOf[column[at]!]!]!.add(minute, value[at++]!);
        while (at < end && cameraOf[column[at]!] === camera);
        owners[camera]!.ranges.push({ batch, group, from, to: at });
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

  /** They may have become more. */
  #knownOf(all: SeriesByNumber): KnownSeries {
    let known = this.#known.get(all);
    if (!known) {
      known = { series: numbered(all), owners: [], rollups: [] };
      this.#known.set(all, known);
    }
    const { series, owners, rollups } = known;
    if (series !== all)
      for (let number = series.length; number < all.length; number++)
        series.push([all.at(number)!]);
    for (const cameraId of series.cameras.slice(owners.length)) owners.push(this.#camera(cameraId));
    for (const { metric } of series.quantities.slice(rollups.length))
      rollups.push(this.#rollup(metric));
    return known;
  }

  #rollup(metric: string): Rollup {
    let rollup = this.rollups.get(metric);
    if (!rollup) this.rollups.set(metric, (rollup = new Rollup()));
    return rollup;
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
        half.add(range.batch.series.at(range.batch.column[range.from]!)!.cameraId, range);
      return half;
    });
  }

  finish(): Chunk {
    const series: Series[] = [];
    const known = new Map<SeriesByNumber, Map<number, number>>();
    const seriesIndex = new Uint32Array(this.points);
    const timeUnixNano = new BigUint64Array(this.points);
    const value = new Float64Array(this.points);
    let at = 0;
    for (const { batch, group, from, to } of this.#ranges) {
      let indexes = known.get(batch.series);
      if (!indexes) known.set(batch.series, (indexes = new Map()));
      timeUnixNano.fill(bigintAt(batch.groupTime, group), at, at + to - from);
      value.set(batch.value.subarray(from, to), at);
      for (let position = from; position < to; position++) {
        const one = batch.column[position]!;
        let index = indexes.get(one);
        if (index === undefined) indexes.set(one, (index = series.push(batch.series.at(one)!) - 1));
        seriesIndex[at++] = index;
      }
    }
    const bundle = { series, seriesIndex, timeUnixNano, value, cameras: [], traceContexts: [] };
    return {
      firstCamera: this.#cameras[0]!,
      lastCamera: this.#cameras.at(-1)!,
      ...timesOf(this.#ranges),
      points: this.points,
      bytes: encodeBundle(bundle),
    };
  }
}

function timesOf(
  ranges: readonly Range[],
): Pick<Chunk, "leastTimeUnixNano" | "greatestTimeUnixNano"> {
  let least = LATEST_TIME;
  let greatest = 0n;
  for (const { batch, group } of ranges) {
    const time = bigintAt(batch.groupTime, group);
    if (time < least) least = time;
    if (time > greatest) greatest = time;
  }
  return { leastTimeUnixNano: least, greatestTimeUnixNano: greatest };
}
