import { bigintsOf } from "../words.ts";
import { expect, test } from "vitest";

import type { Points } from "./series-definition.ts";
import { timesOf } from "./series-definition.ts";
import { StreamDecoder } from "./stream-decoder.ts";
import { StreamEncoder } from "./stream-encoder.ts";

const NOW = 1_790_000_000_000_000_000n;
const OWNERS = 5;
const QUANTITIES = 7;

/** A stream of owners that each have all quantities, of which some are integers. */
class Stream {
  readonly #encoder = new StreamEncoder();
  readonly #decoder = new StreamDecoder();
  readonly #name: string;
  #columns = 0;
  #ticks = 0;

  constructor(name: string) {
    this.#name = name;
    for (let owner = 0; owner < OWNERS; owner++) this.addOwner();
  }

  addOwner(): void {
    const owner = `${this.#name}-${this.#columns}`;
    for (let quantity = 0; quantity < QUANTITIES; quantity++) {
      const type = quantity % 3 === 0 ? "int" : "float";
      const columns = [{ type, field: 0 }] as const;
      this.#encoder.addSeries({ parts: [`quantity-${quantity}`, owner], columns });
      this.#columns++;
    }
  }

  /** Sends a point of every column; what is read is what was sent. */
  tick(seed: number): void {
    const column = Uint32Array.from({ length: this.#columns }, (_, at) => at);
    const time = NOW + BigInt(this.#ticks++) * 1_000_000_000n;
    const points: Points = {
      count: this.#columns,
      column,
      timeUnixNano: new BigUint64Array(this.#columns).fill(time),
      bits: BigUint64Array.from(column, (at) => bitsOf(at, seed * (at + 1) + this.#ticks)),
    };
    const got = this.#decoder.decode(this.#encoder.encode(points));
    expect([...got.column]).toEqual([...column]);
    expect(timesOf(got)).toEqual(points.timeUnixNano);
    expect(bigintsOf(got.floats)).toEqual(points.bits);
    for (const at of [this.#columns - 1, 0, this.#columns >> 1])
      expect(this.#decoder.series(at).parts[0]).toBe(`quantity-${at % QUANTITIES}`);
  }
}

function bitsOf(column: number, value: number): bigint {
  if ((column % QUANTITIES) % 3 === 0) return BigInt(value);
  return bigintsOf(Float64Array.of(value / 100))[0]!;
}

test("streams that are alike share what they know; one that learns more does not change the others", () => {
  const streams = ["a", "b", "c"].map((name) => new Stream(name));
  const tickAll = () => streams.forEach((stream, at) => stream.tick(at + 3));
  for (let round = 0; round < 4; round++) tickAll();
  streams[1]!.addOwner();
  for (let round = 0; round < 3; round++) tickAll();
  streams[0]!.addOwner();
  streams[0]!.addOwner();
  for (let round = 0; round < 3; round++) tickAll();
});
