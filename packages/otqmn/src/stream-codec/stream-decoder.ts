/** Reads batches of one stream. Whatever the bytes are, memory is bounded by the limits; after an error the stream is at its end. */
import { ByteReader, CodecError } from "../bytes.ts";
import { unsqueeze } from "../compression.ts";
import { readDefinitions } from "./definitions.ts";
import { Dictionary } from "./dictionary.ts";
import { BASE_BYTES, BASE_UNIT_NANO, FLAG, SHAPE_BITS } from "./format.ts";
import { GroupModels } from "./group-models.ts";
import type { StreamLimits } from "./limits.ts";
import { STREAM_LIMITS } from "./limits.ts";
import type { Placement } from "./placement.ts";
import { placementOf } from "./placement.ts";
import type { GroupedPoints, SeriesDefinition } from "./series-definition.ts";
import { ShapeOrder } from "./shape-order.ts";
import { SymbolReader } from "./symbol-stream.ts";
import { TimeReader } from "./times.ts";
import { FREE_SYMBOL, numberOf } from "./tokens.ts";
import { PREPARE_LEAST, ValueReader } from "./value-reader.ts";

export class StreamDecoder {
  readonly #limits: StreamLimits;
  #stream: StreamState | undefined;
  #isBroken = false;
  #isAnew = false;

  constructor(limits: StreamLimits = STREAM_LIMITS) {
    this.#limits = limits;
  }

  /** How many series are known since the last key batch. */
  get seriesCount(): number {
    return this.#stream?.dictionary.series.length ?? 0;
  }

  /** About what it remembers of its stream. */
  get rememberedBytes(): number {
    return this.#stream?.dictionary.bytes ?? 0;
  }

  /** Whether the batch read last was a key batch: series have new numbers. */
  get isAnew(): boolean {
    return this.#isAnew;
  }

  series(number: number): SeriesDefinition & { firstColumn: number } {
    const { dictionary } = this.#stream!;
    return dictionary.definition(number);
  }

  /** Throws CodecError; then no further batch of this stream can be read. */
  decode(bytes: Uint8Array): GroupedPoints {
    return this.read(new ByteReader(bytes));
  }

  /** The same, of all that is left to be read. */
  read(reader: ByteReader): GroupedPoints {
    if (this.#isBroken) throw new CodecError("stream: got a batch behind one that was refused");
    try {
      return this.#read(reader);
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  #read(reader: ByteReader): GroupedPoints {
    const max = this.#limits.batchMaxBytes;
    if (reader.remaining > max)
      throw new CodecError(`batch: got ${reader.remaining} bytes, expected at most ${max}`);
    const flags = reader.byte("flags");
    if (flags > (FLAG.key | FLAG.definitions | FLAG.compressed))
      throw new CodecError(`flags: got ${flags}, expected at most 7`);
    if ((flags & (FLAG.definitions | FLAG.compressed)) === FLAG.compressed)
      throw new CodecError(`flags: got ${flags}, expected compressed definitions to be there`);
    this.#isAnew = (flags & FLAG.key) !== 0;
    if (this.#isAnew) this.#stream = new StreamState(this.#limits, reader);
    if (!this.#stream) throw new CodecError("batch: got none that can be read by itself before");
    return this.#stream.read(reader, flags);
  }
}

/** Of the groups of the batch that is read; one is read at a time. */
let timeWords = new Uint32Array(512);

class StreamState {
  readonly dictionary: Dictionary;
  readonly #groups = new GroupModels();
  readonly #order = new ShapeOrder();
  readonly #times = new TimeReader();
  readonly #values = new ValueReader();
  #placement: Placement | undefined;
  /** Of the groups of a batch; as a rule the next one has as many. */
  #shapes = new Uint32Array(0);
  #isSettled = false;

  constructor(limits: StreamLimits, reader: ByteReader) {
    this.dictionary = new Dictionary(limits);
    const { buffer } = Uint8Array.from(reader.raw(BASE_BYTES, "base time"));
    const [low, high] = new Uint32Array(buffer);
    this.#times.base = { low: low!, high: high! };
    const [base] = new BigUint64Array(buffer);
    if (base! % BASE_UNIT_NANO !== 0n)
      throw new CodecError(`base time: got ${base}, expected a multiple of 10^9`);
  }

  read(reader: ByteReader, flags: number): GroupedPoints {
    const { dictionary } = this;
    if (flags & FLAG.definitions)
      readDefinitions(definitionsIn(reader, flags, dictionary.limits.batchMaxBytes), dictionary);
    if (!(flags & FLAG.key) && !this.#isSettled) this.#settle();
    this.#times.reserve(dictionary.shapes.length);
    this.#values.reserve(dictionary.placesEnd);
    const symbols = new SymbolReader(reader);
    const shapes = this.#readGroups(symbols);
    const placement = (this.#placement = placementOf(shapes, dictionary, this.#placement));
    const { count, ends, columns, order, places, runs } = placement;
    const groups = shapes.length;
    const memory = new ArrayBuffer(8 * (count + groups));
    const floats = new Float64Array(memory, 0, count);
    const groupTime = new Uint32Array(memory, 8 * count);
    for (let at = 0; at < 2 * groups; at++) groupTime[at] = timeWords[at]!;
    const words = new Uint32Array(memory, 0, 2 * count);
    const placed = { places, words, floats, areInts: dictionary.areInts };
    this.#values.begin();
    for (const run of runs) this.#values.run(symbols, run, order, placed);
    symbols.end();
    return { count, column: columns, floats, groups, groupEnd: ends, groupTime };
  }

  /** The stream goes on behind its key batch. */
  #settle(): void {
    this.#isSettled = true;
    this.dictionary.settle();
  }

  /** @returns shapes of the groups; their times are in `timeWords`. */
  #readGroups(symbols: SymbolReader): Uint32Array {
    const state = this.#groups;
    const { shapes, limits } = this.dictionary;
    const symbol = symbols.read(state.counts);
    const count = state.count + (symbol < FREE_SYMBOL ? numberOf(symbol, symbols) : Number.NaN);
    if (!(count >= 0 && count <= limits.batchMaxPoints))
      throw new CodecError(`groups: got ${count}, expected 0 to ${limits.batchMaxPoints}`);
    state.count = count;
    if (count >= PREPARE_LEAST) this.#times.prepare();
    if (this.#shapes.length !== count) this.#shapes = new Uint32Array(count);
    const numbers = this.#shapes;
    if (timeWords.length < 2 * count) timeWords = new Uint32Array(2 * count);
    let points = 0;
    for (let group = 0; group < count; group++) {
      const isOther = symbols.read(state.isOther);
      const shape = isOther === 0 ? this.#order.expected : symbols.bits.readWide(SHAPE_BITS);
      if (shape >= shapes.length)
        throw new CodecError(`shape: got ${shape}, expected less than ${shapes.length}`);
      points += shapes.size(shape);
      if (points > limits.batchMaxPoints)
        throw new CodecError(
          `points of a batch: got more than ${limits.batchMaxPoints}, expected at most that`,
        );
      this.#order.follow(shape);
      numbers[group] = shape;
      this.#times.read(symbols, shape, timeWords, 2 * group);
    }
    return numbers;
  }
}

function definitionsIn(reader: ByteReader, flags: number, max: number): ByteReader {
  const part = reader.part("definitions");
  return new ByteReader(flags & FLAG.compressed ? unsqueeze(part, "definitions", max) : part);
}
