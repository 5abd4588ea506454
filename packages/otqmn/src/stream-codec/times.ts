/** Times of groups: which model a surprise has, and how times beyond what a clock can follow are written. */
import { CodecError } from "../bytes.ts";
import { Clocks } from "./clocks.ts";
import { FrequencyModels } from "./frequency-model.ts";
import type { SymbolReader, SymbolWriter } from "./symbol-stream.ts";
import { FREE_SYMBOL, TOKEN_MAX, numberOf, writeNumber } from "./tokens.ts";

/** Nanoseconds that times may be multiples of. */
const UNITS = [1, 1_000, 1_000_000, 1_000_000_000] as const;
const UNIT_BITS = 2;
const WORD = 4_294_967_296;
/** 64 bits as they are: the clock does not follow. */
const ESCAPE = FREE_SYMBOL;
/** The time is no multiple of the unit any more: nanoseconds from now on, and the clock begins anew. */
const FINER = FREE_SYMBOL + 1;

/** Nanoseconds since 1970 in two words. */
export interface Instant {
  low: number;
  high: number;
}

class TimeState {
  readonly clocks = new Clocks();
  readonly models = new FrequencyModels();
  /** Times are counted from here. */
  base: Instant = { low: 0, high: 0 };
  /** Of the group before. */
  before = 0;
}

export class TimeWriter {
  readonly #state = new TimeState();

  get base(): Instant {
    return this.#state.base;
  }

  set base(base: Instant) {
    this.#state.base = base;
  }

  reserve(shapes: number): void {
    this.#state.clocks.reserve(shapes);
  }

  write(symbols: SymbolWriter, shape: number, low: number, high: number): void {
    const { clocks, models, base } = this.#state;
    const time = (high - base.high) * WORD + (low - base.low);
    if (Math.abs(time) > TOKEN_MAX / 2) {
      symbols.write(models.at(clocks.context(shape)), ESCAPE);
      symbols.bits.word(low);
      symbols.bits.word(high);
      return;
    }
    if (clocks.isNew(shape)) return this.#begin(symbols, shape, time);
    const unit = UNITS[clocks.units[shape]!]!;
    const units = time / unit;
    const model = models.at(clocks.context(shape));
    if (!Number.isInteger(units)) {
      symbols.write(model, FINER);
      clocks.restart(shape);
      return this.#begin(symbols, shape, time);
    }
    writeNumber(symbols, model, units - clocks.expected(shape));
    clocks.follow(shape, units);
    this.#state.before = time;
  }

  #begin(symbols: SymbolWriter, shape: number, time: number): void {
    const { clocks, models } = this.#state;
    const unit = UNITS.findLastIndex((each) => time % each === 0);
    writeNumber(symbols, models.at(clocks.context(shape)), time - this.#state.before);
    symbols.bits.write(unit, UNIT_BITS);
    clocks.units[shape] = unit;
    clocks.follow(shape, time / UNITS[unit]!);
    this.#state.before = time;
  }
}

export class TimeReader {
  readonly #state = new TimeState();

  set base(base: Instant) {
    this.#state.base = base;
  }

  reserve(shapes: number): void {
    this.#state.clocks.reserve(shapes);
  }

  /** For a batch of many groups. */
  prepare(): void {
    this.#state.models.prepare();
  }

  /** Writes the time of a group into `words`, from `at` on. Throws CodecError. */
  read(symbols: SymbolReader, shape: number, words: Uint32Array, at: number): void {
    const { clocks, models } = this.#state;
    const symbol = symbols.read(models.at(clocks.context(shape)));
    if (symbol === ESCAPE) {
      words[at] = symbols.bits.word();
      words[at + 1] = symbols.bits.word();
      return;
    }
    let time: number;
    if (symbol === FINER && !clocks.isNew(shape)) {
      clocks.restart(shape);
      time = this.#begin(symbols, shape, symbols.read(models.at(clocks.context(shape))));
    } else if (clocks.isNew(shape)) time = this.#begin(symbols, shape, symbol);
    else {
      const units = clocks.expected(shape) + this.#number(symbol, symbols);
      clocks.follow(shape, units);
      time = units * UNITS[clocks.units[shape]!]!;
    }
    if (Math.abs(time) > TOKEN_MAX)
      throw new CodecError(`time: got ${time} ns from the base, expected at most 2^52`);
    this.#state.before = time;
    this.#place(time, words, at);
  }

  #begin(symbols: SymbolReader, shape: number, symbol: number): number {
    const { clocks } = this.#state;
    const time = this.#state.before + this.#number(symbol, symbols);
    const unit = symbols.bits.read(UNIT_BITS);
    const units = time / UNITS[unit]!;
    if (!Number.isInteger(units))
      throw new CodecError(`time: got ${time} ns, expected a multiple of ${UNITS[unit]}`);
    clocks.units[shape] = unit;
    clocks.follow(shape, units);
    return time;
  }

  #number(symbol: number, symbols: SymbolReader): number {
    if (symbol >= FREE_SYMBOL) throw new CodecError(`time: got the symbol ${symbol}`);
    return numberOf(symbol, symbols);
  }

  #place(time: number, words: Uint32Array, at: number): void {
    const { base } = this.#state;
    const high = Math.floor(time / WORD);
    const low = base.low + (time - high * WORD);
    const carry = low >= WORD ? 1 : 0;
    const highest = base.high + high + carry;
    if (highest < 0 || highest >= WORD)
      throw new CodecError(`time: got ${time} ns from the base, which is beyond 64 bits`);
    words[at] = low - carry * WORD;
    words[at + 1] = highest;
  }
}
