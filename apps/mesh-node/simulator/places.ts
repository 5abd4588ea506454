/** Whoever moves in a square of 1 by 1: each goes to a place drawn by lot, then to another one. Its own state only. */
import type { Random } from "@glassline/service/random";

type Point = readonly [number, number];

export class Places {
  readonly #range: number;
  readonly #random: Random;
  readonly #places: { at: Point; to: Point }[];

  /** @param range within which two are near. */
  constructor(count: number, range: number, random: Random) {
    [this.#range, this.#random] = [range, random];
    this.#places = Array.from({ length: count }, () => ({ at: this.#point(), to: this.#point() }));
  }

  /** Two and two, by their numbers from 0 on, the lower first. */
  near(): [number, number][] {
    return this.#places.flatMap(({ at: a }, first) =>
      this.#places.flatMap(({ at: b }, second): [number, number][] =>
        second > first && length(a, b) <= this.#range ? [[first, second]] : [],
      ),
    );
  }

  /** @param distance that each goes. */
  move(distance: number): void {
    for (const place of this.#places) {
      const left = length(place.at, place.to);
      if (left <= distance) [place.at, place.to] = [place.to, this.#point()];
      else place.at = between(place.at, place.to, distance / left);
    }
  }

  #point(): Point {
    return [this.#random(), this.#random()];
  }
}

const length = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

const between = (a: Point, b: Point, share: number): Point => [
  a[0] + share * (b[0] - a[0]),
  a[1] + share * (b[1] - a[1]),
];
