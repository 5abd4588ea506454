/** Values of a batch, run by run: chooses how each run is written, and writes it. */
import { writeDifference } from "./differing-bits.ts";
import type { FrequencyModel } from "./frequency-model.ts";
import type { PlacedPoints, Run } from "./placement.ts";
import type { Scale } from "./scale.ts";
import { SCALE_BITS, WHOLE_MAX, commonFactor, findScale } from "./scale.ts";
import type { SymbolWriter } from "./symbol-stream.ts";
import { TOKEN_MAX, writeNarrow, writeNumber } from "./tokens.ts";
import type { ContextState } from "./value-state.ts";
import { MODE, SYMBOL } from "./value-modes.ts";
import { RECENT_LEAST, ValueState } from "./value-state.ts";

/** A better mode is looked for every so many batches. */
const REVIEW_BATCHES = 16;
const REVIEW_POINTS = 2_048;
/** Values that a scale is looked for in. */
const SCALE_SAMPLES = 64;

/** What the values of a run are under the scale of their context. */
const FOUND = { same: 0, changed: 1, unfit: 2 } as const;
/** Added and taken away again, it rounds any number below 2^51 to a whole one. */
const ROUNDING = 1.5 * 2 ** 52;

export class ValueWriter {
  readonly #state = new ValueState();
  readonly #symbols: SymbolWriter;
  /** Of the present run, by place: whole numbers; NaN for those that are none. */
  #wholes = new Float64Array(256);

  constructor(symbols: SymbolWriter) {
    this.#symbols = symbols;
  }

  reserve(columns: number): void {
    this.#state.columns.reserve(columns);
  }

  begin(): void {
    this.#state.recent.length = 0;
  }

  run(run: Run, order: Uint32Array, points: PlacedPoints): void {
    const context = this.#state.context(run.context);
    const found = this.#takeWholes(run, order, points, context.scale);
    if (found === FOUND.same) return this.#write(run, order, points, context, MODE.same);
    if (found === FOUND.unfit) {
      const looks = context.mode !== MODE.xor || context.untilReview-- <= 0;
      if (!looks || !this.#rescale(run, order, points, context)) {
        if (looks) context.reviewLater(REVIEW_BATCHES);
        return this.#write(run, order, points, context, MODE.xor);
      }
    }
    this.#write(run, order, points, context, this.#modeFor(run, order, points, context));
  }

  /** Turns the values of a run into whole numbers. */
  #takeWholes({ from, to }: Run, order: Uint32Array, points: PlacedPoints, scale: Scale): number {
    if (this.#wholes.length < to - from) this.#wholes = new Float64Array(2 * (to - from));
    const wholes = this.#wholes;
    const { last } = this.#state.columns;
    const { places, floats, areInts } = points;
    const { multiplier, divisor } = scale;
    const isUnit = multiplier === 1;
    let [misses, changes] = [0, 0];
    for (let at = from; at < to; at++) {
      const position = order[at]!;
      const place = places[at]!;
      const value = areInts[place] === 0 ? floats[position]! : intAt(position, points);
      const scaled = isUnit ? value * divisor : (value * divisor) / multiplier;
      let whole = scaled + ROUNDING - ROUNDING;
      const back = isUnit ? whole / divisor : (whole * multiplier) / divisor;
      const isFar = whole > WHOLE_MAX || whole < -WHOLE_MAX;
      if (back !== value || isFar || (value === 0 && 1 / value < 0)) {
        whole = Number.NaN;
        misses++;
      }
      wholes[at - from] = whole;
      if (whole !== last[place]!) changes++;
    }
    if (changes === 0) return FOUND.same;
    return misses * 4 > to - from ? FOUND.unfit : FOUND.changed;
  }

  /** Looks for another scale. @returns whether there is one. */
  #rescale(run: Run, order: Uint32Array, points: PlacedPoints, context: ContextState): boolean {
    const { from, to } = run;
    const pace = Math.max(1, Math.floor((to - from) / SCALE_SAMPLES));
    const { multiplier, divisor } = context.scale;
    const values: number[] = [];
    for (let at = from; at < to; at += pace) {
      const position = order[at]!;
      const last = this.#state.columns.last[points.places[at]!]!;
      values.push(numberAt(position, points, at), (last * multiplier) / divisor);
    }
    const scale = findScale(values);
    if (!scale || (scale.multiplier === multiplier && scale.divisor === divisor)) return false;
    this.#tell(MODE.rescale, context);
    this.#symbols.bits.writeWide(scale.multiplier, SCALE_BITS);
    this.#symbols.bits.writeWide(scale.divisor, SCALE_BITS);
    this.#state.rescale(run, points.places, context, scale);
    this.#takeWholes(run, order, points, scale);
    return true;
  }

  #modeFor(run: Run, order: Uint32Array, points: PlacedPoints, context: ContextState): number {
    const { from, to } = run;
    if (context.untilReview-- > 0 && context.mode !== MODE.xor) return context.mode;
    context.reviewLater(REVIEW_BATCHES);
    const wholes = this.#wholes;
    const { last } = this.#state.columns;
    if (context.scale.multiplier === 1) {
      const known = Array.from(wholes.subarray(0, Math.min(SCALE_SAMPLES, to - from)));
      known.forEach((_whole, at) => known.push(last[points.places[from + at]!]!));
      if (commonFactor(known) > 1) this.#rescale(run, order, points, context);
    }
    return this.#cheapestMode(run, points);
  }

  /** What each mode would cost, with columns that come more than once in the run followed on the way. */
  #cheapestMode({ from, to }: Run, { places }: PlacedPoints): number {
    const { last, step, candidate } = this.#state.columns;
    const followed = new Map<number, { last: number; step: number; candidate: number }>();
    let [lastCost, stepCost, plainCost] = [0, 0, 0];
    for (let at = from; at < Math.min(to, from + REVIEW_POINTS); at++) {
      const whole = this.#wholes[at - from]!;
      if (Number.isNaN(whole)) continue;
      const place = places[at]!;
      const before = followed.get(place) ?? {
        last: last[place]!,
        step: step[place]!,
        candidate: candidate[place]!,
      };
      const difference = whole - before.last;
      lastCost += costOf(difference);
      stepCost += costOf(difference - before.step);
      plainCost += costOf(whole);
      const isStep = difference === before.candidate;
      followed.set(place, {
        last: whole,
        step: isStep ? difference : before.step,
        candidate: difference,
      });
    }
    if (stepCost < lastCost && stepCost <= plainCost) return MODE.step;
    return plainCost < lastCost ? MODE.plain : MODE.last;
  }

  #tell(mode: number, context: ContextState): void {
    this.#symbols.write(this.#state.modeModels.at(context.mode), mode);
  }

  #write(
    run: Run,
    order: Uint32Array,
    points: PlacedPoints,
    context: ContextState,
    mode: number,
  ): void {
    this.#tell(mode, context);
    if (mode === MODE.same) return;
    context.mode = mode;
    if (mode === MODE.xor) this.#writeBits(run, order, points, context);
    else this.#writeWholes(run, order, points, context, mode);
  }

  #writeWholes(
    { from, to }: Run,
    order: Uint32Array,
    points: PlacedPoints,
    context: ContextState,
    mode: number,
  ): void {
    const symbols = this.#symbols;
    const states = this.#state.columns;
    const { calm } = states;
    const { places } = points;
    const wholes = this.#wholes;
    for (let at = from; at < to; at++) {
      const place = places[at]!;
      const whole = wholes[at - from]!;
      const model = context.modelOf(calm[place]!);
      const surprise = whole - states.expected(place, mode);
      if (surprise < RECENT_LEAST && surprise > -RECENT_LEAST)
        writeNarrow(symbols, model, surprise | 0);
      else if (surprise <= TOKEN_MAX && surprise >= -TOKEN_MAX)
        this.#writeLarge(surprise, model, context);
      else {
        // No whole number, or too far from the one before.
        const position = order[at]!;
        symbols.write(model, SYMBOL.escape);
        symbols.bits.word(points.words[2 * position]!);
        symbols.bits.word(points.words[2 * position + 1]!);
        calm[place] = 0;
        continue;
      }
      states.follow(place, whole, surprise);
    }
  }

  #writeLarge(surprise: number, model: FrequencyModel, context: ContextState): void {
    if (!context.looksBack) return writeNumber(this.#symbols, model, surprise);
    const { recent } = this.#state;
    const again = recent.indexOf(surprise);
    const opposite = again < 0 ? recent.indexOf(-surprise) : -1;
    context.lookedBack(again >= 0 || opposite >= 0);
    if (again >= 0) return this.#symbols.write(model, SYMBOL.again + again);
    if (opposite >= 0) return this.#symbols.write(model, SYMBOL.opposite + opposite);
    writeNumber(this.#symbols, model, surprise);
    this.#state.remember(surprise);
  }

  #writeBits(
    { from, to }: Run,
    order: Uint32Array,
    points: PlacedPoints,
    context: ContextState,
  ): void {
    const known = this.#state.columns.words;
    for (let at = from; at < to; at++) {
      const position = order[at]!;
      const place = points.places[at]!;
      const low = (points.words[2 * position]! ^ known[2 * place]!) >>> 0;
      const high = (points.words[2 * position + 1]! ^ known[2 * place + 1]!) >>> 0;
      known[2 * place] = points.words[2 * position]!;
      known[2 * place + 1] = points.words[2 * position + 1]!;
      writeDifference(this.#symbols, context.xor, low, high);
    }
  }
}

function numberAt(position: number, points: PlacedPoints, at: number): number {
  const { places, floats, areInts } = points;
  return areInts[places[at]!] === 0 ? floats[position]! : intAt(position, points);
}

/** NaN beyond 2^52: it is written by its bits. */
function intAt(position: number, { words }: PlacedPoints): number {
  const high = words[2 * position + 1]! | 0;
  if (high > 1_048_575 || high < -1_048_576) return Number.NaN;
  return high * 4_294_967_296 + words[2 * position]!;
}

function costOf(difference: number): number {
  const size = difference < 0 ? -difference : difference;
  return size < 2_147_483_648 ? 32 - Math.clz32(size) : 40;
}
