/** Changes of streams that are right: in bytes, in lengths, in the order of batches. */
import type { Random } from "@glassline/bench/fleet-model";

import { ByteWriter } from "../src/bytes.ts";
import { SECTIONS, batchOf, sectionsOf } from "./sections.ts";
import type { Seed } from "./seeds.ts";

const BYTES = [0, 1, 0x7f, 0x80, 0xff] as const;
const NUMBERS = [0, 1, 127, 128, 4_096, 65_535, 200_001, 2 ** 24, 2 ** 32, 2 ** 53 - 1] as const;
const CHANGES_MAX = 4;
const RANGE_MAX = 40;

type Change = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const below = (random: Random, count: number) => Math.floor(random.uniform() * count);
const oneOf = <T>(random: Random, all: readonly T[]): T => all[below(random, all.length)]!;

/** `count` bytes from `at` on become others. */
function replaced(bytes: Uint8Array, at: number, count: number, by: Uint8Array): Uint8Array {
  return Uint8Array.of(...bytes.subarray(0, at), ...by, ...bytes.subarray(at + count));
}

function range(bytes: Uint8Array, random: Random): Uint8Array {
  const from = below(random, bytes.length);
  return bytes.subarray(from, from + 1 + below(random, RANGE_MAX));
}

function number(random: Random): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(oneOf(random, NUMBERS));
  return writer.finish();
}

const CHANGES: readonly Change[] = [
  function flip(bytes, random) {
    const at = below(random, bytes.length);
    return replaced(bytes, at, 1, Uint8Array.of(bytes[at]! ^ (1 << below(random, 8))));
  },
  function set(bytes, random) {
    return replaced(bytes, below(random, bytes.length), 1, Uint8Array.of(oneOf(random, BYTES)));
  },
  function step(bytes, random) {
    const at = below(random, bytes.length);
    return replaced(bytes, at, 1, Uint8Array.of(bytes[at]! + (random.uniform() < 0.5 ? 1 : 255)));
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, below(random, bytes.length));
  },
  function remove(bytes, random) {
    return replaced(bytes, below(random, bytes.length), 1 + below(random, RANGE_MAX), NONE);
  },
  function insertNumber(bytes, random) {
    return replaced(bytes, below(random, bytes.length + 1), 0, number(random));
  },
  function replaceByNumber(bytes, random) {
    return replaced(bytes, below(random, bytes.length), 1, number(random));
  },
  function repeat(bytes, random) {
    return replaced(bytes, below(random, bytes.length + 1), 0, range(bytes, random));
  },
  function splice(bytes, random, other) {
    const part = range(other, random);
    return replaced(bytes, below(random, bytes.length), below(random, part.length + 1), part);
  },
];

const NONE = new Uint8Array(0);

function changed(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let now = bytes;
  for (let left = 1 + below(random, CHANGES_MAX); left > 0; left--)
    now = oneOf(random, CHANGES)(now, random, other);
  return now;
}

/** @param other of the same kind, or another: what is spliced in. */
export function mutated(seed: Seed, other: Seed, random: Random): Seed {
  const batches = [...seed.batches];
  if (random.uniform() < 0.1) shuffle(batches, random);
  // The first one more often: what has just begun, and what is under way.
  const at = random.uniform() < 0.4 ? 0 : below(random, batches.length);
  const source = oneOf(random, other.batches);
  batches[at] =
    random.uniform() < 0.25
      ? changed(batches[at]!, random, source)
      : changedInside(batches[at]!, random, source, seed.subject !== "stream");
  return { subject: seed.subject, batches };
}

/** A batch again, not at all, or before its time. */
function shuffle(batches: Uint8Array[], random: Random): void {
  const at = below(random, batches.length);
  if (batches.length > 1 && random.uniform() < 0.5) batches.splice(at, 1);
  else batches.splice(below(random, batches.length), 0, batches[at]!);
}

function changedInside(
  batch: Uint8Array,
  random: Random,
  source: Uint8Array,
  isWrapped: boolean,
): Uint8Array {
  const sections = sectionsOf(batch, isWrapped);
  const present = SECTIONS.filter((name) => sections[name].length > 0);
  const name = oneOf(random, present);
  sections[name] = changed(sections[name], random, source);
  return batchOf(sections, isWrapped, random.uniform() < 0.1);
}
