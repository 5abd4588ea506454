/**
 * Error correction by parities told in public. Source: Brassard and Salvail 1993, "Secret-key reconciliation by public discussion"; block sizes
 * as there, all searches of one pass at once, so that a pass takes as many exchanges as one search.
 */
import { seededRandom } from "@glassline/service/random";

/** So many blocks of a pass are as long together as the expected distance of errors: 0.73/Q. */
const FIRST_BLOCK = 0.73;
/** Each has blocks twice as long as the one before, in another order; what the first leave, later ones find. */
const PASSES = 8;
const LEAST_QBER = 1e-4;
/** Parities a bit after which it is given up: then the answers are not about one block, and there would be no end. */
const PARITIES_PER_BIT = 2;

/** Parities that are asked for: pass, first place and end of each range, one after the other. */
export type ParityQuestions = Uint32Array;
/** A byte of each, 0 or 1. */
export type ParityAnswers = Uint8Array;

export interface Corrected {
  /** A byte a bit: those of the other end, unless errors hide in pairs from all blocks. That has to be looked at. */
  bits: Uint8Array;
  errors: number;
  /** Parities that were told in public: as many bits an eavesdropper knows at most. */
  disclosed: number;
}

/** Places in the order of a pass; the first pass leaves all where it is. Both ends make it from a seed that everybody may know. */
function orderOf(length: number, seed: number, pass: number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, at) => at);
  if (pass === 0) return order;
  const random = seededRandom(seed + pass);
  for (let at = length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}

function parityOf(bits: Uint8Array, order: Uint32Array, from: number, to: number): number {
  let parity = 0;
  for (let at = from; at < to; at++) parity ^= bits[order[at]!]!;
  return parity;
}

/** The end whose bits count. */
export class Parities {
  readonly #bits: Uint8Array;
  readonly #seed: number;
  readonly #orders: Uint32Array[] = [];

  constructor(bits: Uint8Array, seed: number) {
    this.#bits = bits;
    this.#seed = seed;
  }

  /** Throws RangeError for what is no range of a pass. */
  answer(questions: ParityQuestions): ParityAnswers {
    if (questions.length % 3 !== 0)
      throw new RangeError(`parities: got ${questions.length} numbers, expected three a range`);
    return Uint8Array.from({ length: questions.length / 3 }, (_, at) => {
      const [pass, from, to] = questions.subarray(3 * at, 3 * at + 3) as unknown as number[];
      if (pass! >= PASSES || from! >= to! || to! > this.#bits.length)
        throw new RangeError(`parities: got pass ${pass}, ${from} to ${to}, expected a range`);
      const order = (this.#orders[pass!] ??= orderOf(this.#bits.length, this.#seed, pass!));
      return parityOf(this.#bits, order, from!, to!);
    });
  }
}

/** The order of a pass, and which of its blocks have another parity than at the other end. */
class Pass {
  readonly number: number;
  readonly order: Uint32Array;
  readonly blockSize: number;
  readonly odd = new Set<number>();
  /** Where each bit is in the order. */
  readonly #places: Uint32Array;

  constructor(number: number, length: number, seed: number, blockSize: number) {
    this.number = number;
    this.order = orderOf(length, seed, number);
    this.blockSize = blockSize;
    this.#places = new Uint32Array(length);
    for (const [place, bit] of this.order.entries()) this.#places[bit] = place;
  }

  /** First place and end of a block. */
  rangeOf(block: number): [from: number, to: number] {
    return [block * this.blockSize, Math.min((block + 1) * this.blockSize, this.order.length)];
  }

  get blocks(): number {
    return Math.ceil(this.order.length / this.blockSize);
  }

  flipped(bit: number): void {
    this.toggle(Math.floor(this.#places[bit]! / this.blockSize));
  }

  toggle(block: number): void {
    if (!this.odd.delete(block)) this.odd.add(block);
  }
}

/**
 * Corrects `bits` (a byte each) into those of the other end. Yields what it wants to know of them; the answers come in as they are asked for.
 * @param qber as far as it is known; a wrong one costs bits, not correctness.
 */
export function* cascade(
  bits: Uint8Array,
  qber: number,
  seed: number,
): Generator<ParityQuestions, Corrected, ParityAnswers> {
  const right = bits.slice();
  const passes: Pass[] = [];
  let [errors, disclosed] = [0, 0];
  const mostDisclosed = PARITIES_PER_BIT * bits.length;
  for (let number = 0; number < PASSES; number++) {
    const blockSize = blockSizeOf(number, qber, bits.length);
    const pass = new Pass(number, bits.length, seed, blockSize);
    passes.push(pass);
    const ranges = Array.from({ length: pass.blocks }, (_, block) => pass.rangeOf(block));
    const told = yield questionsOf(pass, ranges);
    disclosed += ranges.length;
    for (const [block, [from, to]] of ranges.entries())
      if (told[block] !== parityOf(right, pass.order, from, to)) pass.toggle(block);
    while (disclosed < mostDisclosed) {
      // The shortest blocks first: their searches tell least.
      const next = passes.find(({ odd }) => odd.size > 0);
      if (!next) break;
      const found = yield* searched(next, right);
      disclosed += found.disclosed;
      errors += found.bits.length;
      for (const bit of found.bits) {
        right[bit]! ^= 1;
        for (const known of passes) known.flipped(bit);
      }
    }
  }
  return { bits: right, errors, disclosed };
}

/** Two blocks at least: one parity of all finds nothing that the first pass has not. */
function blockSizeOf(pass: number, qber: number, length: number): number {
  const wanted = Math.ceil(FIRST_BLOCK / Math.max(qber, LEAST_QBER)) * 2 ** pass;
  return Math.max(1, Math.min(wanted, Math.ceil(length / 2)));
}

function questionsOf(
  { number }: Pass,
  ranges: readonly (readonly [number, number])[],
): ParityQuestions {
  return Uint32Array.from(ranges.flatMap(([from, to]) => [number, from, to]));
}

/** One wrong bit of each odd block: halves are compared until one bit is left. */
function* searched(
  pass: Pass,
  bits: Uint8Array,
): Generator<ParityQuestions, { bits: number[]; disclosed: number }, ParityAnswers> {
  const ranges = [...pass.odd].map((block) => pass.rangeOf(block));
  let disclosed = 0;
  for (;;) {
    const open = ranges.filter(([from, to]) => to - from > 1);
    if (open.length === 0) break;
    const halves = open.map(([from, to]) => [from, (from + to) >>> 1] as const);
    const told = yield questionsOf(pass, halves);
    disclosed += halves.length;
    for (const [at, [from, middle]] of halves.entries()) {
      const isHere = told[at] !== parityOf(bits, pass.order, from, middle);
      if (isHere) open[at]![1] = middle;
      else open[at]![0] = middle;
    }
  }
  return { bits: ranges.map(([from]) => pass.order[from]!), disclosed };
}
