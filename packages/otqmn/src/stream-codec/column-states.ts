/** What both sides of a stream remember of each column since the last key batch, by the places of columns (dictionary.ts). */
import { CALM_AFTER, MODE } from "./value-modes.ts";
import { grown } from "./grown.ts";
import type { Scale } from "./scale.ts";
import { WHOLE_MAX } from "./scale.ts";

type Wholes = Int32Array | Float64Array;

/** As far as differences of two of them fit into 32 bits too. */
const NARROW_MAX = 2 ** 30 - 1;

export class ColumnStates {
  #room = 0;
  #isWide = false;
  /** The last value as a whole number of its context's scale. */
  last: Wholes = new Int32Array(0);
  /** The usual difference between two values, and the one that may become it. */
  step: Wholes = new Int32Array(0);
  candidate: Wholes = new Int32Array(0);
  /** Points without a surprise, at most CALM_AFTER: which of the context's models is used. */
  calm = new Uint8Array(0);
  /** The largest whole number that there is room for: few streams have larger ones than 32 bits hold. */
  wholeMax = NARROW_MAX;
  #words = new Uint32Array(0);

  reserve(places: number): void {
    if (places <= this.#room) return;
    this.#room = Math.max(places, 2 * this.#room);
    this.calm = grown(this.calm, this.#room);
    this.#move();
  }

  /** Makes room for whole numbers up to WHOLE_MAX. The arrays are others then, but for `calm`. */
  widen(): void {
    if (this.#isWide) return;
    this.#isWide = true;
    this.wholeMax = WHOLE_MAX;
    this.#move();
  }

  /** Bits of the last value that was written by its bits: two words each. Most streams have no such values. */
  get words(): Uint32Array {
    const length = 2 * this.#room;
    if (length > this.#words.length) this.#words = grown(this.#words, length);
    return this.#words;
  }

  expected(place: number, mode: number): number {
    if (mode === MODE.plain) return 0;
    return mode === MODE.last ? this.last[place]! : this.last[place]! + this.step[place]!;
  }

  /** Takes up a value. @param surprise what was written of it. */
  follow(place: number, whole: number, surprise: number): void {
    if (whole > this.wholeMax || whole < -this.wholeMax) this.widen();
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
      // Added to 0, since a zero has no sign here.
      return Number.isFinite(converted) && Math.abs(converted) <= WHOLE_MAX ? 0 + converted : 0;
    };
    const last = convert(this.last[place]!);
    const step = convert(this.step[place]!);
    const candidate = convert(this.candidate[place]!);
    if (Math.max(Math.abs(last), Math.abs(step), Math.abs(candidate)) > this.wholeMax) this.widen();
    this.last[place] = last;
    this.step[place] = step;
    this.candidate[place] = candidate;
  }

  /** To arrays of the present room and width, which share their memory: by itself each would take more. */
  #move(): void {
    const { last, step, candidate } = this;
    const room = this.#room;
    const Kind = this.#isWide ? Float64Array : Int32Array;
    const bytes = room * Kind.BYTES_PER_ELEMENT;
    const memory = new ArrayBuffer(3 * bytes);
    (this.last = new Kind(memory, 0, room)).set(last);
    (this.step = new Kind(memory, bytes, room)).set(step);
    (this.candidate = new Kind(memory, 2 * bytes, room)).set(candidate);
  }
}
