/** The series of a run of batches, as columns of numbers: of a large fleet there are millions, of few quantities. */
import type { Series } from "@glassline/otqmn/sample";
import { shared } from "@glassline/otqmn/shared-numbers";

import type { Quantity } from "./quantities.ts";
import { keyOf } from "./quantities.ts";

/** Series by their numbers. They become more; those that are there stay. */
export interface SeriesByNumber {
  readonly length: number;
  at(number: number): Series | undefined;
}

/** Beyond, quantities that are equal may be there twice. */
const SHARED_MAX = 65_536;

/** Quantities that runs share. */
export class SharedQuantities {
  readonly #byKey = new Map<string, Quantity>();

  of(series: Series): Quantity {
    const key = keyOf(series);
    let quantity = this.#byKey.get(key);
    if (!quantity) {
      const { metric, unit, kind, attributes } = series;
      quantity = { metric, unit, kind, attributes };
      if (this.#byKey.size >= SHARED_MAX) this.#byKey.clear();
      this.#byKey.set(key, quantity);
    }
    return quantity;
  }
}

export class RunSeries implements SeriesByNumber {
  readonly #shared: SharedQuantities;
  /** Ids; one that comes again behind another is there again. */
  readonly cameras: string[] = [];
  readonly quantities: Quantity[] = [];
  readonly #numbers = new Map<Quantity, number>();
  /** By series: its place in `cameras`, and in `quantities`. */
  cameraOf = new Uint32Array(0);
  quantityOf = new Uint32Array(0);
  #length = 0;
  #lastQuantity = -1;

  constructor(shared: SharedQuantities) {
    this.#shared = shared;
  }

  get length(): number {
    return this.#length;
  }

  at(number: number): Series | undefined {
    if (number >= this.#length) return undefined;
    const cameraId = this.cameras[this.cameraOf[number]!]!;
    const { metric, unit, kind, attributes } = this.quantities[this.quantityOf[number]!]!;
    return { cameraId, metric, unit, kind, attributes };
  }

  /** Those that follow. */
  push(added: readonly Series[]): void {
    if (added.length === 0) return;
    this.#reserve(this.#length + added.length);
    for (const series of added) {
      if (this.cameras.at(-1) !== series.cameraId) this.cameras.push(series.cameraId);
      this.#lastQuantity = this.#quantity(series);
      this.cameraOf[this.#length] = this.cameras.length - 1;
      this.quantityOf[this.#length++] = this.#lastQuantity;
    }
    // Full, and so not written to.
    if (this.#length < this.cameraOf.length) return;
    this.cameraOf = shared(this.cameraOf);
    this.quantityOf = shared(this.quantityOf);
  }

  #quantity(series: Series): number {
    // The next camera has the same as the one before, as a rule, in the same order.
    const expected = (this.#lastQuantity + 1) % Math.max(1, this.quantities.length);
    if (isSurelySame(series, this.quantities[expected])) return expected;
    const quantity = this.#shared.of(series);
    let number = this.#numbers.get(quantity);
    if (number === undefined) {
      number = this.quantities.push(quantity) - 1;
      this.#numbers.set(quantity, number);
    }
    return number;
  }

  #reserve(series: number): void {
    if (series <= this.cameraOf.length) return;
    // The first batch of a run defines all that it has, as a rule.
    const room = Math.max(series, 2 * this.#length);
    const [cameras, quantities] = [this.cameraOf, this.quantityOf];
    this.cameraOf = new Uint32Array(room);
    this.cameraOf.set(cameras);
    this.quantityOf = new Uint32Array(room);
    this.quantityOf.set(quantities);
  }
}

/** Attributes are not compared: it is the same where neither has any. */
function isSurelySame(series: Series, quantity: Quantity | undefined): boolean {
  return (
    quantity !== undefined &&
    series.metric === quantity.metric &&
    series.unit === quantity.unit &&
    series.kind === quantity.kind &&
    hasNone(series.attributes) &&
    hasNone(quantity.attributes)
  );
}

function hasNone(attributes: Readonly<Record<string, string>>): boolean {
  for (const key in attributes) if (Object.hasOwn(attributes, key)) return false;
  return true;
}
