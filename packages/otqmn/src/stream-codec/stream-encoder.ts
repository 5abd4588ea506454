/** Writes batches of one stream. Its state is bounded by the limits, and begins anew with a key batch. */
import { ByteWriter, CodecError } from "../bytes.ts";
import { squeeze } from "../compression.ts";
import { writeDefinitions } from "./definitions.ts";
import { Dictionary } from "./dictionary.ts";
import { COMPRESS_LEAST_BYTES, FLAG, SHAPE_BITS } from "./format.ts";
import { grown } from "./grown.ts";
import { GroupModels } from "./group-models.ts";
import type { StreamLimits } from "./limits.ts";
import { PARTS_LEAST, PARTS_MAX, STREAM_LIMITS, TEXT_MAX_BYTES } from "./limits.ts";
import type { Placement } from "./placement.ts";
import { placementOf } from "./placement.ts";
import type { Points, SeriesDefinition } from "./series-definition.ts";
import type { Groups } from "./shape-finder.ts";
import { ShapeFinder } from "./shape-finder.ts";
import { SymbolWriter } from "./symbol-stream.ts";
import { TimeWriter } from "./times.ts";
import { writeNumber } from "./tokens.ts";
import { ValueWriter } from "./value-writer.ts";

const SECOND_NANO = 1_000_000_000n;
const UNTOLD = 0xffff_ffff;

export interface StreamEncoderOptions {
  limits?: StreamLimits;
  /** Whether definitions go through zstd. */
  compress?: boolean;
}

interface KnownSeries {
  definition: SeriesDefinition;
  firstColumn: number;
}

export class StreamEncoder {
  readonly #limits: StreamLimits;
  readonly #compress: boolean;
  readonly #series: KnownSeries[] = [];
  /** By column as the caller knows it: its series, and its number within the stream. */
  #seriesOf = new Uint32Array(64);
  #told = new Uint32Array(64);
  #columns = 0;
  #toldColumns = new Uint32Array(256);
  #stream!: StreamState;
  #isKey = true;

  constructor({ limits = STREAM_LIMITS, compress = true }: StreamEncoderOptions = {}) {
    this.#limits = limits;
    this.#compress = compress;
    this.beginAnew();
  }

  /** Makes a series known to this encoder; it travels when it is used. @returns the number of its first column. */
  addSeries(definition: SeriesDefinition): number {
    const firstColumn = this.#columns;
    const count = definition.columns.length;
    this.#reserve(firstColumn + count);
    this.#seriesOf.fill(this.#series.length, firstColumn, firstColumn + count);
    this.#told.fill(UNTOLD, firstColumn, firstColumn + count);
    this.#columns += count;
    this.#series.push({ definition, firstColumn });
    return firstColumn;
  }

  /** The next batch is a key batch. */
  beginAnew(): void {
    this.#isKey = true;
    this.#told.fill(UNTOLD);
    this.#stream = new StreamState(this.#limits);
  }

  /** Throws CodecError beyond a limit; the stream then has to begin anew. */
  encode(points: Points): Uint8Array {
    if (points.count > this.#limits.batchMaxPoints)
      throw new CodecError(
        `points of a batch: got ${points.count}, expected at most ${this.#limits.batchMaxPoints}`,
      );
    const stream = this.#stream;
    const isKey = this.#isKey;
    if (isKey && points.count > 0) stream.setBase(points.timeUnixNano[0]!);
    const times = wordsOf(points.timeUnixNano, points.count);
    const groups = stream.shapes.groupsOf(this.#tellColumns(points), times, points.count);
    const bytes = stream.write(groups, times, wordsOf(points.bits, points.count), {
      isKey,
      compress: this.#compress,
    });
    this.#isKey = false;
    return bytes;
  }

  /** Columns as the stream numbers them; series that are used for the first time are defined. */
  #tellColumns({ count, column }: Points): Uint32Array {
    if (this.#toldColumns.length < count) this.#toldColumns = new Uint32Array(2 * count);
    const columns = this.#toldColumns;
    for (let at = 0; at < count; at++) {
      const known = column[at]!;
      if (this.#told[known] === UNTOLD) this.#tell(this.#seriesOf[known]!);
      columns[at] = this.#told[known]!;
    }
    return columns;
  }

  #tell(series: number): void {
    const { definition, firstColumn } = this.#series[series]!;
    const first = this.#stream.define(definition);
    for (let at = 0; at < definition.columns.length; at++)
      this.#told[firstColumn + at] = first + at;
  }

  #reserve(columns: number): void {
    if (columns <= this.#told.length) return;
    const known = this.#told.length;
    this.#seriesOf = grown(this.#seriesOf, columns);
    this.#told = grown(this.#told, columns).fill(UNTOLD, known);
  }
}

/** What the other side knows too. */
class StreamState {
  readonly #dictionary: Dictionary;
  readonly #texts = new Map<string, number>();
  readonly shapes: ShapeFinder;
  readonly #groups = new GroupModels();
  readonly #times = new TimeWriter();
  readonly #symbols = new SymbolWriter();
  readonly #values = new ValueWriter(this.#symbols);
  readonly #told = { texts: 0, series: 0, shapes: 0 };
  #placement: Placement | undefined;

  constructor(limits: StreamLimits) {
    this.#dictionary = new Dictionary(limits);
    this.shapes = new ShapeFinder(this.#dictionary);
  }

  setBase(timeUnixNano: bigint): void {
    const base = timeUnixNano - (timeUnixNano % SECOND_NANO);
    this.#times.base = { low: Number(base & 0xffff_ffffn), high: Number(base >> 32n) };
  }

  define({ parts, columns }: SeriesDefinition): number {
    if (parts.length < PARTS_LEAST || parts.length > PARTS_MAX)
      throw new CodecError(
        `parts of a series: got ${parts.length}, expected ${PARTS_LEAST} to ${PARTS_MAX}`,
      );
    return this.#dictionary.addSeries(
      parts.map((part) => this.#text(part)),
      columns.map(({ type, field }) => 2 * field + (type === "int" ? 1 : 0)),
    );
  }

  /** @param times and @param values two words a point, as they came. */
  write(
    groups: Groups,
    times: Uint32Array,
    values: Uint32Array,
    { isKey, compress }: { isKey: boolean; compress: boolean },
  ): Uint8Array {
    const writer = new ByteWriter();
    const definitions = this.#definitions();
    this.#check("definitions", definitions?.length ?? 0);
    const packed = compress && definitions && definitions.length >= COMPRESS_LEAST_BYTES;
    writer.raw(
      Uint8Array.of(
        (isKey ? FLAG.key : 0) |
          (definitions ? FLAG.definitions : 0) |
          (packed ? FLAG.compressed : 0),
      ),
    );
    if (isKey) {
      const { low, high } = this.#times.base;
      writer.raw(new Uint8Array(Uint32Array.of(low, high).buffer));
    }
    if (definitions) writer.part(packed ? squeeze(definitions) : definitions);
    this.#writeGroups(groups, times);
    this.#writeValues(groups, values);
    this.#symbols.finish(writer);
    const bytes = writer.finish();
    this.#check("batch", bytes.length);
    return bytes;
  }

  /** What the other side would refuse. */
  #check(what: string, bytes: number): void {
    const max = this.#dictionary.limits.batchMaxBytes;
    if (bytes > max) throw new CodecError(`${what}: got ${bytes} bytes, expected at most ${max}`);
  }

  #text(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const bytes = Buffer.byteLength(text);
    if (bytes > TEXT_MAX_BYTES)
      throw new CodecError(`text: got ${bytes} bytes, expected at most ${TEXT_MAX_BYTES}`);
    const number = this.#dictionary.addText(text, bytes);
    this.#texts.set(text, number);
    return number;
  }

  /** What the other side has not been told yet. */
  #definitions(): Uint8Array | undefined {
    const { texts, series, shapes, placesEnd } = this.#dictionary;
    const told = this.#told;
    if (
      texts.length === told.texts &&
      series.length === told.series &&
      shapes.length === told.shapes
    )
      return undefined;
    const writer = new ByteWriter();
    writeDefinitions(writer, this.#dictionary, told);
    [told.texts, told.series, told.shapes] = [texts.length, series.length, shapes.length];
    this.#times.reserve(shapes.length);
    this.#values.reserve(placesEnd);
    return writer.finish();
  }

  #writeGroups({ count, shapes, areOther, from }: Groups, times: Uint32Array): void {
    const symbols = this.#symbols;
    const state = this.#groups;
    writeNumber(symbols, state.counts, count - state.count);
    state.count = count;
    for (let group = 0; group < count; group++) {
      const shape = shapes[group]!;
      symbols.write(state.isOther, areOther[group]!);
      if (areOther[group]) symbols.bits.writeWide(shape, SHAPE_BITS);
      const at = 2 * from[group]!;
      this.#times.write(symbols, shape, times[at]!, times[at + 1]!);
    }
  }

  #writeValues(groups: Groups, values: Uint32Array): void {
    const dictionary = this.#dictionary;
    const shapes = groups.shapes.subarray(0, groups.count);
    const placement = (this.#placement = placementOf(shapes, dictionary, this.#placement));
    const words = groups.sorted.size === 0 ? values : this.#placed(groups, placement, values);
    const placed = {
      places: placement.places,
      words,
      floats: new Float64Array(words.buffer, words.byteOffset, placement.count),
      areInts: dictionary.areInts,
    };
    this.#values.begin();
    for (const run of placement.runs) this.#values.run(run, placement.order, placed);
  }

  /** The values in the order of groups and their columns. */
  #placed({ count, from, sorted }: Groups, { ends }: Placement, values: Uint32Array): Uint32Array {
    const words = new Uint32Array(new ArrayBuffer(4 * values.length));
    let start = 0;
    for (let group = 0; group < count; group++) {
      const positions = sorted.get(group);
      for (let place = 0; start + place < ends[group]!; place++) {
        const position = positions ? positions[place]! : from[group]! + place;
        words[2 * (start + place)] = values[2 * position]!;
        words[2 * (start + place) + 1] = values[2 * position + 1]!;
      }
      start = ends[group]!;
    }
    return words;
  }
}

function wordsOf(values: BigUint64Array, count: number): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, 2 * count);
}
