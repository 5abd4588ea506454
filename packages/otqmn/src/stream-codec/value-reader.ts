/** Values of a batch, as ValueWriter has written them. */
import { CodecError } from "../bytes.ts";
import { readDifference } from "./differing-bits.ts";
import type { PlacedPoints, Run } from "./placement.ts";
import { SCALE_BITS, WHOLE_MAX } from "./scale.ts";
import type { SymbolReader } from "./symbol-stream.ts";
import { DIRECT, FREE_SYMBOL, WIDE, foldedOf, numberOf } from "./tokens.ts";
import type { ContextState } from "./value-state.ts";
import { MODE, RECENT_LEAST, RECENT_MAX, SYMBOL, ValueState } from "./value-state.ts";

const WORD = 4_294_967_296;
/** Points of a run from which on it is worth the memory to look symbols up instead of searching them. */
const PREPARE_LEAST = 16;

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
      this.#rescale(symbols, run, order, points, context);
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

  #rescale(
    symbols: SymbolReader,
    run: Run,
    order: Uint32Array,
    points: PlacedPoints,
    context: ContextState,
  ): void {
    const multiplier = symbols.bits.readWide(SCALE_BITS);
    const divisor = symbols.bits.readWide(SCALE_BITS);
    if (multiplier === 0 || divisor === 0)
      throw new CodecError("scale: got 0, expected at least 1");
    this.#state.rescale(run, order, points.columns, context, { multiplier, divisor });
  }

  #readSame(
    { from, to }: Run,
    order: Uint32Array,
    points: PlacedPoints,
    { scale }: ContextState,
  ): void {
    const { last } = this.#state.columns;
    const { multiplier, divisor } = scale;
    const { floats, areInts } = points;
    for (let at = from; at < to; at++) {
      const position = order[at]!;
      const column = points.columns[position]!;
      const value = (last[column]! * multiplier) / divisor;
      if (areInts[column] === 0) floats[position] = value;
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
    const states = this.#state.columns;
    const { calm } = states;
    const { multiplier, divisor } = context.scale;
    if (to - from >= PREPARE_LEAST) context.prepare();
    const { columns, floats, areInts } = points;
    const { bits } = symbols;
    for (let at = from; at < to; at++) {
      const position = order[at]!;
      const column = columns[position]!;
      const symbol = symbols.read(context.modelOf(calm[column]!));
      let surprise: number;
      if (symbol < DIRECT) surprise = (symbol >>> 1) ^ -(symbol & 1);
      else if (symbol < WIDE) {
        const folded = foldedOf(symbol, bits);
        surprise = (folded >>> 1) ^ -(folded & 1);
        if (context.looksBack && (surprise >= RECENT_LEAST || surprise <= -RECENT_LEAST)) {
          context.lookedBack(false);
          this.#state.remember(surprise);
        }
      } else if (symbol === SYMBOL.escape) {
        points.words[2 * position] = symbols.bits.word();
        points.words[2 * position + 1] = symbols.bits.word();
        calm[column] = 0;
        continue;
      } else surprise = this.#surprise(symbol, symbols, context);
      const whole = states.expected(column, mode) + surprise;
      if (whole > WHOLE_MAX || whole < -WHOLE_MAX)
        throw new CodecError(`value: got the whole number ${whole}, expected at most 2^51`);
      states.follow(column, whole, surprise);
      const value = (whole * multiplier) / divisor;
      if (areInts[column] === 0) floats[position] = value;
      else placeInt(value, position, points);
    }
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
      const column = points.columns[position]!;
      readDifference(symbols, context.xor, known, 2 * column);
      points.words[2 * position] = known[2 * column]!;
      points.words[2 * position + 1] = known[2 * column + 1]!;
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
