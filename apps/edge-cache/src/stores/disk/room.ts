/** Room for a new segment: the oldest goes; what was asked for since it was written is written again first. */
import { setImmediate as turn } from "node:timers/promises";

import type { PlaceIndex } from "../../core/disk/place-index.ts";
import type { Slot } from "../../core/disk/place-shard.ts";
import { wholeRecord } from "./record.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";

/** Copied with one write. */
const COPIED_BYTES = 1_048_576;
/** Keys looked at, or tables, in one turn of the event loop. */
const AT_ONCE = 500;
const TABLES_AT_ONCE = 16;

export interface RoomDeps {
  index: PlaceIndex;
  segments: Segments;
  /** Those that are in use, though nobody reads them from the disk. */
  hotKeys: () => Iterable<string>;
  /** Writes records at the end of the newest segment. @returns where the first one begins. */
  append: (records: readonly Buffer[]) => Promise<{ segment: number; offset: number }>;
}

/** Forgets the oldest segment. @param keptBytes so much of it is written again at most. */
export async function giveUpOldest(deps: RoomDeps, keptBytes: number): Promise<void> {
  const { index, segments } = deps;
  const oldest = segments.oldest!;
  await markHot(deps, oldest.number);
  const kept = await usedIn(index, oldest.number, keptBytes);
  for (const slots of portions(kept)) await copy(deps, oldest, slots);
  await forget(index, oldest.number);
  await segments.remove(oldest);
}

async function markHot({ index, hotKeys }: RoomDeps, segment: number): Promise<void> {
  let looked = 0;
  for (const key of hotKeys()) {
    if (++looked % AT_ONCE === 0) await turn();
    const hash = index.hashOf(key);
    if (index.get(hash)?.segment === segment) index.used(hash);
  }
}

/** The most used first, as many as there is room for. */
async function usedIn(index: PlaceIndex, segment: number, maxBytes: number): Promise<Slot[]> {
  const used: Slot[] = [];
  let tables = 0;
  for (const slots of index.ofSegment(segment)) {
    used.push(...slots.filter(({ uses }) => uses > 0));
    if (++tables % TABLES_AT_ONCE === 0) await turn();
  }
  let bytes = 0;
  return used
    .toSorted((a, b) => b.uses - a.uses)
    .filter((slot) => (bytes += slot.bytes) <= maxBytes);
}

function* portions(slots: readonly Slot[]): Generator<Slot[]> {
  let portion: Slot[] = [];
  let bytes = 0;
  for (const slot of slots) {
    portion.push(slot);
    bytes += slot.bytes;
    if (bytes < COPIED_BYTES && portion.length < AT_ONCE) continue;
    yield portion;
    portion = [];
    bytes = 0;
  }
  if (portion.length > 0) yield portion;
}

async function copy(deps: RoomDeps, from: Segment, slots: readonly Slot[]): Promise<void> {
  const { index, append } = deps;
  const copied: { slot: Slot; record: Buffer }[] = [];
  for (const slot of slots) {
    const record = await from.readRecord(slot);
    if (index.isAt(slot, slot) && wholeRecord(record)) copied.push({ slot, record });
  }
  if (copied.length === 0) return;
  const place = await append(copied.map(({ record }) => record));
  for (const { slot, record } of copied) {
    // Unless it was given up meanwhile.
    if (index.isAt(slot, slot)) index.set(slot, { ...place, bytes: record.length });
    place.offset += record.length;
  }
}

async function forget(index: PlaceIndex, segment: number): Promise<void> {
  let tables = 0;
  for (const slots of index.ofSegment(segment)) {
    for (const slot of slots) index.delete(slot);
    if (++tables % TABLES_AT_ONCE === 0) await turn();
  }
}
