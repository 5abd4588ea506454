/** What a folder holds: the index of the snapshot, and what was written since; without a snapshot, all heads are read. */
import { randomInt } from "node:crypto";

import { PlaceIndex } from "../../core/disk/place-index.ts";
import type { DiskTime } from "./disk-time.ts";
import type { Head } from "./record.ts";
import { REMOVAL, SEGMENT_HEADER_BYTES } from "./record.ts";
import { scanHeads } from "./scan.ts";
import { Segment, segmentNumbers } from "./segment.ts";
import { Segments } from "./segments.ts";
import type { Snapshot } from "./snapshot.ts";
import { readSnapshot } from "./snapshot.ts";

const SEED_LIMIT = 2 ** 32;

export interface Recovered {
  index: PlaceIndex;
  segments: Segments;
  /** Found behind the snapshot. */
  scannedRecords: number;
  hadSnapshot: boolean;
  /** Cut off behind the last record that is whole. */
  cutBytes: number;
}

/** Rejects with the signal's reason, or the error of the disk. */
export async function recover(
  directory: string,
  time: DiskTime,
  signal: AbortSignal,
): Promise<Recovered> {
  const [snapshot, segments] = await Promise.all([readSnapshot(directory), openAll(directory)]);
  const index = snapshot?.index ?? new PlaceIndex(randomInt(SEED_LIMIT));
  if (snapshot) {
    time.saw(snapshot.seenUnixMs);
    index.keepSegments((number) => segments.get(number) !== undefined);
  }
  let scannedRecords = 0;
  let cutBytes = 0;
  for (const { segment, fromOffset } of tailOf(segments, snapshot)) {
    const end = await scanHeads(segment, fromOffset, signal, (head, offset) => {
      scannedRecords++;
      time.saw(head.writtenUnixMs);
      note(index, segment.number, head, offset);
    });
    cutBytes += await cutBehind(segment, end, segment === segments.last);
  }
  return { index, segments, scannedRecords, hadSnapshot: snapshot !== undefined, cutBytes };
}

async function openAll(directory: string): Promise<Segments> {
  const segments = new Segments();
  for (const number of await segmentNumbers(directory)) {
    const segment = await Segment.open(directory, number);
    if (segment) segments.add(segment);
  }
  return segments;
}

/** What the snapshot does not know, in the order in which it was written. */
function tailOf(
  segments: Segments,
  snapshot: Snapshot | undefined,
): { segment: Segment; fromOffset: number }[] {
  const { position = { segment: 0, offset: 0 } } = snapshot ?? {};
  return segments
    .all()
    .filter(({ number }) => number >= position.segment)
    .map((segment) => {
      // One that has lost its end is read from its beginning: where its last record ends is not known.
      const isKnown = segment.number === position.segment && position.offset <= segment.bytes;
      return { segment, fromOffset: isKnown ? position.offset : SEGMENT_HEADER_BYTES };
    });
}

function note(index: PlaceIndex, segment: number, head: Head, offset: number): void {
  const hash = index.hashOf(head.key);
  if (head.kind === REMOVAL) index.delete(hash);
  else index.set(hash, { segment, offset, bytes: head.bytes });
}

/** The next record follows the last one that is whole. A segment that is closed stays as it is. */
async function cutBehind(segment: Segment, end: number, isLast: boolean): Promise<number> {
  if (!isLast || end >= segment.bytes) return 0;
  const cutBytes = segment.bytes - end;
  segment.bytes = end;
  await segment.cut();
  return cutBytes;
}
