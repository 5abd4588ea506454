/**
 * When groups of a shape are expected: a clock that follows what came, so that a jitter that does not add up costs no more than it is.
 * Times are whole numbers, nanoseconds since the stream's base, below 2^53.
 */
import { grown } from "./grown.ts";

const STEADY = 16;

export class Clocks {
  #phase = new Float64Array(4);
  #period = new Float64Array(4);
  /** Samples seen, at most STEADY. */
  #seen = new Uint8Array(4);
  /** Nanoseconds that all times are multiples of: 10^unit. */
  units = new Uint8Array(4);
  /** Size of the last surprise, which the next one's is much like: its binary digits. */
  #size = new Uint8Array(4);

  reserve(shapes: number): void {
    if (shapes <= this.#phase.length) return;
    this.#phase = grown(this.#phase, shapes);
    this.#period = grown(this.#period, shapes);
    this.#seen = grown(this.#seen, shapes);
    this.units = grown(this.units, shapes);
    this.#size = grown(this.#size, shapes);
  }

  isNew(shape: number): boolean {
    return this.#seen[shape] === 0;
  }

  restart(shape: number): void {
    this.#seen[shape] = this.#size[shape] = this.#period[shape] = 0;
  }

  expected(shape: number): number {
    return this.#phase[shape]! + this.#period[shape]!;
  }

  /** Which of the models of surprises fits: 0 to 15. */
  context(shape: number): number {
    return this.#seen[shape]! < 2 ? 0 : 1 + Math.min(14, this.#size[shape]! >> 1);
  }

  /** Takes up a time, in units of the shape. */
  follow(shape: number, time: number): void {
    const seen = this.#seen[shape]!;
    const [phase, period] = [this.#phase[shape]!, this.#period[shape]!];
    const surprise = time - phase - period;
    this.#size[shape] = sizeOf(surprise);
    this.#seen[shape] = Math.min(STEADY, seen + 1);
    if (seen < 2 || 2 * Math.abs(surprise) > period) {
      if (seen === 1) this.#period[shape] = time - phase;
      this.#phase[shape] = time;
      return;
    }
    this.#phase[shape] = phase + period + Math.trunc(surprise / seen);
    this.#period[shape] = period + Math.trunc(surprise / (seen * seen));
  }
}

function sizeOf(value: number): number {
  const size = Math.abs(value);
  return size < 4_294_967_296 ? 32 - Math.clz32(size) : 33;
}
