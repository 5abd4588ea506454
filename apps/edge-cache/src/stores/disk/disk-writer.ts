/** The only one who writes segments: what waits goes to the disk in portions; where the disk takes nothing, it is tried again later. */
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { PlaceIndex } from "../../core/disk/place-index.ts";
import type { DiskTime } from "./disk-time.ts";
import type { PurgeJournal } from "./purge-journal.ts";
import { SEGMENT_HEADER_BYTES, frame, lengthOf } from "./record.ts";
import { contentOf } from "./response-codec.ts";
import { giveUpOldest } from "./room.ts";
import { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";
import type { Position } from "./snapshot.ts";
import type { Waiting, WriteQueue } from "./write-queue.ts";

const PORTION_BYTES = 1_048_576;
/** Two buffers each: as many as systems take in one write. */
const PORTION_RECORDS = 500;
const RETRY_MS = 10_000;
/** Of the segment that goes, what is written again takes no more than this of the newest. */
const KEPT_SHARE = 0.5;
/** Of all segments; each keeps a file open. */
const SEGMENTS_MAX = 4_200;
const OBJECTS_MAX = 16_777_216;

export interface WriterDeps {
  directory: string;
  segmentBytes: number;
  maxBytes: number;
  index: PlaceIndex;
  segments: Segments;
  queue: WriteQueue;
  time: DiskTime;
  clock: Clock;
  logger: Logger;
  /** Those that are in use, though nobody reads them from the disk. */
  hotKeys: () => Iterable<string>;
  journal: PurgeJournal;
}

export class DiskWriter {
  readonly #deps: WriterDeps;
  #running: Promise<void> | undefined;
  /** What was written is not synced. */
  #isDirty = false;
  /** The last segment may hold more than counts. */
  #isTorn = false;
  #failure: unknown;
  #retryAtMs = 0;
  #position: Position;
  #written = 0;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
    const { number = 0, bytes = 0 } = deps.segments.last ?? {};
    this.#position = { segment: number, offset: bytes };
  }

  /** The index knows all that lies before it. */
  get position(): Position {
    return this.#position;
  }

  /** Records, since the start. */
  get written(): number {
    return this.#written;
  }

  get isFailing(): boolean {
    return this.#failure !== undefined;
  }

  /** Something waits. */
  wake(): void {
    const { queue, clock } = this.#deps;
    if (this.#running || queue.isEmpty || clock.monotonicMs() < this.#retryAtMs) return;
    this.#running = this.#run().finally(() => (this.#running = undefined));
  }

  /** Resolves when all that waits now is on the disk. Rejects with the error of the disk. */
  async flush(): Promise<void> {
    const { queue } = this.#deps;
    const { last } = queue;
    await this.#running;
    this.#retryAtMs = 0;
    while (queue.hasUpTo(last)) {
      this.wake();
      await this.#running;
      if (this.#failure !== undefined) throw this.#failure;
    }
    await this.sync();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async sync(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    try {
      await this.#deps.segments.last?.sync();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #run(): Promise<void> {
    const { queue, logger, segmentBytes } = this.#deps;
    // What is stored in the same moment is written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (!queue.isEmpty) {
      try {
        await this.#write(queue.take(Math.min(PORTION_BYTES, segmentBytes / 8), PORTION_RECORDS));
        queue.done();
      } catch (error) {
        queue.undo();
        return this.#fail(error);
      }
      if (this.#failure !== undefined) logger.info("the disk takes objects again");
      this.#failure = undefined;
    }
  }

  #fail(error: unknown): void {
    const { logger, clock, directory } = this.#deps;
    if (this.#failure === undefined)
      logger.warn({ directory, reason: messageOf(error) }, "the disk takes no objects");
    this.#failure = error;
    this.#isTorn = true;
    this.#retryAtMs = clock.monotonicMs() + RETRY_MS;
  }

  async #write(portion: readonly Waiting[]): Promise<void> {
    const { time, index } = this.#deps;
    const nowMs = time.nowUnixMs();
    const records = portion.map(({ key, variants }) => {
      const content = variants && contentOf(variants, (bornMs) => time.unixMs(bornMs));
      const parts = frame(Buffer.from(key), content, nowMs);
      return { hash: index.hashOf(key), isRemoval: !content, parts, bytes: lengthOf(parts) };
    });
    // No record is on disk before the purges that it is newer than.
    await this.#deps.journal.written();
    await this.#makeReady(records.reduce((sum, { bytes }) => sum + bytes, 0));
    const place = await this.#append(records.flatMap(({ parts }) => parts));
    for (const { hash, isRemoval, bytes } of records) {
      if (isRemoval) index.delete(hash);
      else index.set(hash, { ...place, bytes });
      place.offset += bytes;
    }
    this.#written += records.length;
    this.#position = place;
  }

  async #append(parts: readonly Buffer[]): Promise<{ segment: number; offset: number }> {
    const segment = this.#deps.segments.last!;
    this.#isDirty = true;
    return { segment: segment.number, offset: await segment.append(parts) };
  }

  /** The last segment is whole, and has room for so many bytes. */
  async #makeReady(bytes: number): Promise<void> {
    const { segments, segmentBytes } = this.#deps;
    const { last } = segments;
    // After an error, the rest of a segment is not believed in any more.
    const isTorn = this.#isTorn && last !== undefined && !(await cut(last));
    this.#isTorn = false;
    const isFull = last !== undefined && last.bytes + bytes > segmentBytes;
    if (last && !isTorn && !(isFull && last.bytes > SEGMENT_HEADER_BYTES)) return;
    await this.sync();
    await this.#begin((last?.number ?? 0) + 1);
  }

  async #begin(number: number): Promise<void> {
    const { directory, segments, segmentBytes, maxBytes, index } = this.#deps;
    segments.add(await Segment.create(directory, number));
    const append = (records: readonly Buffer[]) => this.#append(records);
    const last = segments.last!;
    // What is kept of the one that goes is there twice for a moment.
    const mostBytes = maxBytes - (1 + KEPT_SHARE) * segmentBytes;
    const isFull = () =>
      segments.bytes - last.bytes > mostBytes ||
      segments.count > SEGMENTS_MAX ||
      index.size > OBJECTS_MAX;
    while (isFull() && segments.count > 1)
      await giveUpOldest({ ...this.#deps, append }, KEPT_SHARE * (segmentBytes - last.bytes));
  }
}

async function cut(segment: Segment): Promise<boolean> {
  try {
    await segment.cut();
    return true;
  } catch {
    return false;
  }
}
