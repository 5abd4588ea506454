/** What both sides remember of each context, since the last key batch. */
import { ColumnStates } from "./column-states.ts";
import type { ZeroModels } from "./differing-bits.ts";
import { FrequencyModel, FrequencyModels } from "./frequency-model.ts";
import type { Scale } from "./scale.ts";
import { NO_SCALE } from "./scale.ts";
import { CALM_AFTER, MODE } from "./value-modes.ts";

export const RECENT_MAX = 8;
/** Smaller differences are written as such. */
export const RECENT_LEAST = 32;
const RECENT_TRIES = 64;

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
