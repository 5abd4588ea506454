/** What both sides remember of each column and of each context, since the last key batch. */
import type { ZeroModels } from "./differing-bits.ts";
import { FrequencyModel, FrequencyModels } from "./frequency-model.ts";
import { grown } from "./grown.ts";
import { FREE_SYMBOL } from "./tokens.ts";
import type { Scale } from "./scale.ts";
import { NO_SCALE, WHOLE_MAX } from "./scale.ts";

/** How the values of one run (all points of a context in a batch) are written. */
export const MODE = {
  /** Each is that of its column before. */
  same: 0,
  /** By how much it differs from that before. */
  last: 1,
  /** By how much it differs from that before and the usual step. */
  step: 2,
  /** As it is. */
  plain: 3,
  /** No whole number: the bits that differ from those before. */
  xor: 4,
  /** A new scale, then one of the others. */
  rescale: 5,
} as const;

/** Symbols beside those of numbers. */
export const SYMBOL = {
  /** One of the last differences of this batch again, or with the other sign. */
  again: FREE_SYMBOL,
  opposite: FREE_SYMBOL + 8,
  /** 64 bits as they are: the value is no whole multiple of the scale. */
  escape: FREE_SYMBOL + 16,
} as const;

export const RECENT_MAX = 8;
/** Smaller differences are written as such. */
export const RECENT_LEAST = 32;
const RECENT_TRIES = 64;
/** So many points without a surprise make a column calm. */
export const CALM_AFTER = 8;

export class ContextState {
  mode: number = MODE.last;
  scale: Scale = NO_SCALE;
  /** For columns that have just surprised; those that have not for a while, and not for long, come when they are needed. */
  readonly #active = new FrequencyModel();
  #calming: FrequencyModel | undefined;
  #calmed: FrequencyModel | undefined;
  #xor: ZeroModels | undefined;
  #tries = 0;
  #hits = 0;
  /** The writer's: batches until it looks for a better mode. */
  untilReview = 0;
  #pause = 1;

  /** Of the bits that differ. */
  get xor(): ZeroModels {
    return (this.#xor ??= [new FrequencyModel(), new FrequencyModel()]);
  }

  /** @param calm of the column. */
  modelOf(calm: number): FrequencyModel {
    if (calm === 0) return this.#active;
    return calm < CALM_AFTER
      ? (this.#calming ??= new FrequencyModel())
      : (this.#calmed ??= new FrequencyModel());
  }

  /** For a reader of long runs. */
  prepare(): void {
    this.#active.prepare();
    this.modelOf(1).prepare();
    this.modelOf(CALM_AFTER).prepare();
  }

  /** Whether differences come again so often that it is worth a look. */
  get looksBack(): boolean {
    return this.#tries < RECENT_TRIES || this.#hits * 8 >= this.#tries;
  }

  /** The writer's: pauses grow, at first all is new. */
  reviewLater(mostBatches: number): void {
    this.untilReview = this.#pause - 1;
    this.#pause = Math.min(mostBatches, 2 * this.#pause);
  }

  lookedBack(found: boolean): void {
    this.#tries++;
    if (found) this.#hits++;
    if (this.#tries >= 4_096) {
      this.#tries >>= 1;
      this.#hits >>= 1;
    }
  }
}

/** What is remembered of columns, by their places. */
export class ColumnStates {
  /** The last value as a whole number of its context's scale. */
  last = new Float64Array(16);
  /** The usual difference between two values, and the one that may become it. */
  step = new Float64Array(16);
  candidate = new Float64Array(16);
  /** Points without a surprise, at most CALM_AFTER: which of the context's models is used. */
  calm = new Uint8Array(16);
  #words = new Uint32Array(0);

  reserve(places: number): void {
    if (places <= this.last.length) return;
    this.last = grown(this.last, places);
    this.step = grown(this.step, places);
    this.candidate = grown(this.candidate, places);
    this.calm = grown(this.calm, places);
  }

  /** Bits of the last value that was written by its bits: two words each. Most streams have no such values. */
  get words(): Uint32Array {
    const length = 2 * this.last.length;
    if (length > this.#words.length) this.#words = grown(this.#words, length);
    return this.#words;
  }

  expected(place: number, mode: number): number {
    if (mode === MODE.plain) return 0;
    return mode === MODE.last ? this.last[place]! : this.last[place]! + this.step[place]!;
  }

  /** Takes up a value. @param surprise what was written of it. */
  follow(place: number, whole: number, surprise: number): void {
    const difference = whole - this.last[place]!;
    // A step is believed when it comes twice.
    if (difference === this.candidate[place]) this.step[place] = difference;
    else this.candidate[place] = difference;
    this.last[place] = whole;
    if (surprise !== 0) this.calm[place] = 0;
    else if (this.calm[place]! < CALM_AFTER) this.calm[place]!++;
  }

  /** A column whose context has another scale now. */
  rescale(place: number, from: Scale, to: Scale): void {
    const convert = (whole: number): number => {
      const converted = Math.round(
        (((whole * from.multiplier) / from.divisor) * to.divisor) / to.multiplier,
      );
      return Number.isFinite(converted) && Math.abs(converted) <= WHOLE_MAX ? converted : 0;
    };
    this.last[place] = convert(this.last[place]!);
    this.step[place] = convert(this.step[place]!);
    this.candidate[place] = convert(this.candidate[place]!);
  }
}

export class ValueState {
  readonly columns = new ColumnStates();
  readonly contexts: ContextState[] = [];
  /** By the mode before. */
  readonly modeModels = new FrequencyModels();
  /** The last differences of this batch, newest first. */
  readonly recent: number[] = [];

  context(number: number): ContextState {
    while (this.contexts.length <= number) this.contexts.push(new ContextState());
    return this.contexts[number]!;
  }

  /** The columns of a run, whose context has another scale from now on. */
  rescale(
    { from, to }: { from: number; to: number },
    places: Uint32Array,
    context: ContextState,
    scale: Scale,
  ): void {
    const once = new Set(places.subarray(from, to));
    for (const place of once) this.columns.rescale(place, context.scale, scale);
    context.scale = scale;
  }

  remember(difference: number): void {
    this.recent.unshift(difference);
    if (this.recent.length > RECENT_MAX) this.recent.pop();
  }
}
