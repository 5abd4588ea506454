/** What is measured, whichever the camera: definitions that series share, by number, as long as a series is of them. */
import type { Series } from "@glassline/otqmn/sample";

export type Quantity = Omit<Series, "cameraId">;

/** Metrics whose quantities are at hand. */
const ASKED_MAX = 64;

export class Quantities {
  readonly #quantities: Quantity[] = [];
  readonly #uses: number[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #free: number[] = [];
  #asked = new Map<string, Uint8Array>();

  get(number: number): Quantity {
    return this.#quantities[number]!;
  }

  find(quantity: Quantity): number | undefined {
    return this.#numbers.get(keyOf(quantity));
  }

  /** For one more series. */
  take(quantity: Quantity): number {
    const key = keyOf(quantity);
    const known = this.#numbers.get(key);
    const number = known ?? this.#free.pop() ?? this.#quantities.length;
    this.#uses[number] = known === undefined ? 1 : this.#uses[number]! + 1;
    if (known === undefined) {
      const { metric, unit, kind, attributes } = quantity;
      this.#quantities[number] = { metric, unit, kind, attributes };
      this.#numbers.set(key, number);
      this.#asked.clear();
    }
    return number;
  }

  /** For one series fewer. */
  release(number: number): void {
    if (--this.#uses[number]! > 0) return;
    this.#numbers.delete(keyOf(this.#quantities[number]!));
    this.#free.push(number);
    this.#asked.clear();
  }

  /** By number: 1 where it is of that metric. */
  ofMetric(metric: string): Uint8Array {
    let marks = this.#asked.get(metric);
    if (!marks) {
      marks = Uint8Array.from(this.#quantities, (one) => (one.metric === metric ? 1 : 0));
      if (this.#asked.size >= ASKED_MAX) this.#asked.clear();
      this.#asked.set(metric, marks);
    }
    return marks;
  }
}

/** A text that is equal for equal ones only. */
export function keyOf({ metric, unit, kind, attributes }: Quantity): string {
  return JSON.stringify([metric, unit, kind, ...Object.entries(attributes).flat()]);
}
