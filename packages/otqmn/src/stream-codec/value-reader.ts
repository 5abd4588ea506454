/** Values of a batch, as ValueWriter has written them. */
import { CodecError } from "../bytes.ts";
import { readDifference } from "./differing-bits.ts";
import type { PlacedPoints, Run } from "./placement.ts";
import { SCALE_BITS, WHOLE_MAX } from "./scale.ts";
import type { SymbolReader } from "./symbol-stream.ts";
import { readEasyPoints, tooLarge } from "./easy-points.ts";
import { FREE_SYMBOL, numberOf } from "./tokens.ts";
import type { ContextState } from "./value-state.ts";
import { MODE, SYMBOL } from "./value-modes.ts";
import { RECENT_LEAST, RECENT_MAX, ValueState } from "./value-state.ts";

const WORD = 4_294_967_296;
/** Points of a run, or groups of a batch, from which on it is worth the memory to look symbols up instead of searching them. */
export const PREPARE_LEAST = 16;

export class ValueReader {
  readonly #state = new ValueState();

  reserve(columns: number): void {
    this.#state.columns.reserve(columns);
  }

  begin(): void {
    this.#state.recent.length = 0;
  }

  /** Throws CodecError. */
  run(symbols: SymbolReader, run: Run, order: Uint32Array, points: PlacedPoints): void {
    const context = this.#state.context(run.context);
    let mode = this.#mode(symbols, context);
    for (let scales = 1; mode === MODE.rescale; scales++) {
      // The writer may look for one twice: because values did not fit, and for a common factor.
      if (scales > 2) throw new CodecError("mode: got a third scale in one run");
      this.#rescale(symbols, run, points, context);
      mode = this.#mode(symbols, context);
    }
    if (mode === MODE.same) return this.#readSame(run, order, points, context);
    context.mode = mode;
    if (mode === MODE.xor) this.#readBits(symbols, run, order, points, context);
    else this.#readWholes(symbols, run, order, points, context, mode);
  }

  #mode(symbols: SymbolReader, context: ContextState): number {
    const mode = symbols.read(this.#state.modeModels.at(context.mode));
    if (mode > MODE.rescale) throw new CodecError(`mode: got ${mode}, expected at most 5`);
    return mode;
  }

  #rescale(symbols: SymbolReader, run: Run, points: PlacedPoints, context: ContextState): void {
    const multiplier = symbols.bits.readWide(SCALE_BITS);
    const divisor = symbols.bits.readWide(SCALE_BITS);
    if (multiplier === 0 || divisor === 0)
      throw new CodecError("scale: got 0, expected at least 1");
    this.#state.rescale(run, points.places, context, { multiplier, divisor });
  }

  #readSame(
    { from, to }: Run,
    order: Uint32Array,
    points: PlacedPoints,
    { scale }: ContextState,
  ): void {
    const { last } = this.#state.columns;
    const { multiplier, divisor } = scale;
    const { floats, areInts, places } = points;
    for (let at = from; at < to; at++) {
      const position = order[at]!;
      const place = places[at]!;
      const value = (last[place]! * multiplier) / divisor;
      if (areInts[place] === 0) floats[position] = value;
      else placeInt(value, position, points);
    }
  }

  #readWholes(
    symbols: SymbolReader,
    { from, to }: Run,
    order: Uint32Array,
    points: PlacedPoints,
    context: ContextState,
    mode: number,
  ): void {
    const isLong = to - from >= PREPARE_LEAST;
    if (isLong) context.prepare();
    for (let at = from; at < to; at++) {
      if (isLong)
        at = readEasyPoints(symbols, at, to, order, points, context, mode, this.#state.columns);
      if (at < to) this.#readWhole(symbols, at, order, points, context, mode);
    }
  }

  #readWhole(
    symbols: SymbolReader,
    at: number,
    order: Uint32Array,
    points: PlacedPoints,
    context: ContextState,
    mode: number,
  ): void {
    const states = this.#state.columns;
    const { multiplier, divisor } = context.scale;
    const position = order[at]!;
    const place = points.places[at]!;
    const symbol = symbols.read(context.modelOf(states.calm[place]!));
    if (symbol === SYMBOL.escape) {
      points.words[2 * position] = symbols.bits.word();
      points.words[2 * position + 1] = symbols.bits.word();
      states.calm[place] = 0;
      return;
    }
    const surprise = this.#surprise(symbol, symbols, context);
    const whole = states.expected(place, mode) + surprise;
    if (whole > WHOLE_MAX || whole < -WHOLE_MAX) throw tooLarge(whole);
    states.follow(place, whole, surprise);
    const value = (whole * multiplier) / divisor;
    if (points.areInts[place] === 0) points.floats[position] = value;
    else placeInt(value, position, points);
  }

  #surprise(symbol: number, symbols: SymbolReader, context: ContextState): number {
    if (symbol < FREE_SYMBOL) {
      const surprise = numberOf(symbol, symbols);
      const isLarge = surprise >= RECENT_LEAST || surprise <= -RECENT_LEAST;
      if (isLarge && context.looksBack) {
        context.lookedBack(false);
        this.#state.remember(surprise);
      }
      return surprise;
    }
    const isOpposite = symbol >= SYMBOL.opposite;
    const place = symbol - (isOpposite ? SYMBOL.opposite : SYMBOL.again);
    const recent = place < RECENT_MAX ? this.#state.recent[place] : undefined;
    if (recent === undefined || !context.looksBack)
      throw new CodecError(`symbol: got ${symbol}, expected that of a difference that was there`);
    context.lookedBack(true);
    return isOpposite ? -recent : recent;
  }

  #readBits(
    symbols: SymbolReader,
    { from, to }: Run,
    order: Uint32Array,
    points: PlacedPoints,
    context: ContextState,
  ): void {
    const known = this.#state.columns.words;
    for (let at = from; at < to; at++) {
      const position = order[at]!;
      const place = points.places[at]!;
      readDifference(symbols, context.xor, known, 2 * place);
      points.words[2 * position] = known[2 * place]!;
      points.words[2 * position + 1] = known[2 * place + 1]!;
    }
  }
}

function placeInt(value: number, position: number, { words }: PlacedPoints): void {
  if (!Number.isSafeInteger(value))
    throw new CodecError(`value: got ${value}, expected a whole number below 2^53`);
  const high = Math.floor(value / WORD);
  words[2 * position] = value - high * WORD;
  words[2 * position + 1] = high;
}
