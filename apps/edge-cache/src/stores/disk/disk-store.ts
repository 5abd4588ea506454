/**
 * Objects on disk: records behind one another in segment files, with their places in memory. What is stored waits in memory until it is
 * written; what is damaged is not there. The disk is asked only for what memory does not have.
 */
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { KeyHash } from "../../core/disk/key-hash.ts";
import type { PlaceIndex } from "../../core/disk/place-index.ts";
import type { Slot } from "../../core/disk/place-shard.ts";
import type { Purges, WidePurge } from "../../core/purges.ts";
import type { StoredResponse } from "../store.ts";
import { DiskTime } from "./disk-time.ts";
import { DiskWriter } from "./disk-writer.ts";
import type { PurgeJournal } from "./purge-journal.ts";
import { KEY_MAX_BYTES, wholeRecord } from "./record.ts";
import type { Recovered } from "./recovery.ts";
import { recover } from "./recovery.ts";
import { variantsOf } from "./response-codec.ts";
import type { Segments } from "./segments.ts";
import { writeSnapshot } from "./snapshot.ts";
import { WriteQueue } from "./write-queue.ts";

export type ReadResult = "hit" | "absent" | "damaged" | "purged" | "failed" | "busy" | "starting";
export type DropReason = "queue_full" | "disk" | "too_large" | "removals";

export interface DiskStoreDeps {
  directory: string;
  maxBytes: number;
  /** Of one segment. */
  segmentBytes: number;
  purges: Purges;
  journal: PurgeJournal;
  clock: Clock;
  logger: Logger;
  read: (result: ReadResult) => void;
  dropped: (reason: DropReason) => void;
  /** Those that are in use, though nobody reads them from the disk. */
  hotKeys: () => Iterable<string>;
}

/** Of a segment, for what is said of an object beside its bodies. */
const HEADS_SHARE = 0.125;
/** Bytes of a character. */
const UTF8_MAX = 3;
const QUEUE_MAX_BYTES = 67_108_864;
/** Of records that are being read. */
const READING_MAX_BYTES = 134_217_728;
const TICK_MS = 1_000;
const SNAPSHOT_MS = 30_000;
/** Records that a start would have to read behind the snapshot. */
const SNAPSHOT_RECORDS = 50_000;
/** Whoever asks at the start waits so long for the index. */
const PATIENCE_MS = 1_000;

/** What was found at the start. */
interface Known {
  index: PlaceIndex;
  segments: Segments;
  writer: DiskWriter;
}

export class DiskStore implements AsyncDisposable {
  readonly maxBytes: number;
  readonly #deps: DiskStoreDeps;
  /** Of the bodies of one object. */
  readonly #bodiesMaxBytes: number;
  readonly #time: DiskTime;
  readonly #queue = new WriteQueue(QUEUE_MAX_BYTES);
  readonly #closing = new AbortController();
  readonly #recovering: Promise<void>;
  readonly #patience: Promise<unknown>;
  readonly #ticking: Promise<void>;
  #known: Known | undefined;
  /** The folder could not be read. */
  #isUseless = false;
  #readingBytes = 0;
  #snapshotAtMs: number;
  #snapshotRecords = 0;

  /** Recovers in the background. The folder is held already. */
  constructor(deps: DiskStoreDeps) {
    const { maxBytes, segmentBytes, clock } = deps;
    this.maxBytes = maxBytes;
    this.#deps = deps;
    this.#bodiesMaxBytes = segmentBytes * (1 - HEADS_SHARE);
    this.#time = new DiskTime(clock);
    this.#snapshotAtMs = clock.monotonicMs() + SNAPSHOT_MS;
    this.#recovering = this.#recover();
    const { signal } = this.#closing;
    const late = clock.sleep(PATIENCE_MS, signal).catch(() => {});
    this.#patience = Promise.race([this.#recovering, late]);
    this.#ticking = every(clock, TICK_MS, signal, () => this.#tick());
  }

  get objects(): number {
    return this.#known?.index.size ?? 0;
  }

  get bytes(): number {
    return this.#known?.segments.bytes ?? 0;
  }

  /** Resolves when all that the folder holds is known, or that takes too long to wait for. */
  get started(): Promise<unknown> {
    return this.#patience;
  }

  /** Resolves when all that the folder holds is known. */
  get recovered(): Promise<void> {
    return this.#recovering;
  }

  /** All variants of an object; undefined: they are not here. Never rejects. */
  read(key: string): Promise<readonly StoredResponse[] | undefined> | undefined {
    const waiting = this.#queue.find(key);
    if (waiting) {
      this.#deps.read(waiting.variants ? "hit" : "absent");
      return waiting.variants && Promise.resolve(waiting.variants);
    }
    if (!this.#known) return this.#readAtStart(key);
    const { index } = this.#known;
    const hash = index.hashOf(key);
    const slot = index.get(hash);
    if (slot) return this.#readRecord(key, hash, slot, this.#known);
    this.#deps.read("absent");
    return undefined;
  }

  /** Takes the place of what is there. */
  put(key: string, variants: readonly StoredResponse[]): void {
    if (this.#isUseless) return this.#deps.dropped("disk");
    const bytes = variants.reduce((sum, { body }) => sum + body.length, 0);
    const isTooLarge = bytes > this.#bodiesMaxBytes || KEY_MAX_BYTES < UTF8_MAX * key.length;
    if (!isTooLarge && this.#queue.put(key, variants)) return this.#known?.writer.wake();
    const reason = this.#known?.writer.isFailing ? "disk" : "queue_full";
    this.#deps.dropped(isTooLarge ? "too_large" : reason);
    this.remove(key);
  }

  /** @returns what there may have been. */
  remove(key: string): { objects: number; bytes: number } {
    if (this.#isUseless) return { objects: 0, bytes: 0 };
    const slot = this.#known?.index.get(this.#known.index.hashOf(key));
    const waiting = this.#queue.find(key);
    // While the index is not known, it may be there.
    if (!slot && !waiting && this.#known) return { objects: 0, bytes: 0 };
    if (!this.#queue.remove(key)) this.#deps.dropped("removals");
    this.#known?.writer.wake();
    const { bytes } = waiting ?? slot ?? { bytes: 0 };
    return { objects: (waiting ? waiting.variants : slot) ? 1 : 0, bytes };
  }

  /** Resolves when what was removed stays removed after any restart. Rejects when the disk does not even take that. */
  async settled(): Promise<void> {
    await this.#recovering;
    try {
      if (this.#known) return await this.#known.writer.flush();
    } catch (error) {
      // What is being closed says no more of its disk.
      if (this.#closing.signal.aborted) throw error;
    }
    await this.#deps.journal.distrust();
  }

  /** Resolves when the purge, which has its number already, outlives any restart. Rejects when the disk does not even take that. */
  async purged(purge: WidePurge): Promise<void> {
    await this.#deps.journal.add({ ...purge, number: this.#deps.purges.last });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { journal } = this.#deps;
    this.#closing.abort();
    await this.#ticking;
    await this.#recovering;
    if (this.#known) await this.#close(this.#known);
    await journal[Symbol.asyncDispose]();
  }

  async #close({ writer, segments, index }: Known): Promise<void> {
    try {
      await writer.flush();
      await this.#snapshot({ writer, segments, index });
    } catch (error) {
      const reason = messageOf(error);
      this.#deps.logger.warn(
        { reason },
        "the disk store is closed without all that it should hold",
      );
    }
    await segments.close();
  }

  async #recover(): Promise<void> {
    try {
      await this.#learn();
    } catch (error) {
      this.#isUseless = true;
      const { logger, directory } = this.#deps;
      if (this.#closing.signal.aborted) return;
      logger.error({ directory, reason: messageOf(error) }, "the disk store cannot be read");
    }
  }

  async #learn(): Promise<void> {
    const { clock, logger } = this.#deps;
    const { signal } = this.#closing;
    const fromMs = clock.monotonicMs();
    const [queue, time] = [this.#queue, this.#time];
    const { index, segments, ...found } = await recover(this.#deps.directory, time, signal);
    const writer = new DiskWriter({ ...this.#deps, index, segments, queue, time });
    this.#known = { index, segments, writer };
    writer.wake();
    tell(logger, found, index.size, clock.monotonicMs() - fromMs);
  }

  async #readAtStart(key: string): Promise<readonly StoredResponse[] | undefined> {
    await this.#patience;
    if (this.#known) return this.read(key);
    this.#deps.read("starting");
    return undefined;
  }

  async #readRecord(
    key: string,
    hash: KeyHash,
    slot: Slot,
    { index, segments }: Known,
  ): Promise<readonly StoredResponse[] | undefined> {
    const segment = segments.get(slot.segment);
    const isBusy = this.#readingBytes + slot.bytes > READING_MAX_BYTES && this.#readingBytes > 0;
    if (!segment || isBusy) return this.#none(isBusy ? "busy" : "absent");
    this.#readingBytes += slot.bytes;
    let record: Buffer | undefined;
    try {
      record = await segment.readRecord(slot);
    } catch {
      // Seen below.
    } finally {
      this.#readingBytes -= slot.bytes;
    }
    // It was replaced, removed or moved meanwhile.
    if (this.#queue.find(key) || !index.isAt(hash, slot)) return this.read(key);
    if (!record) return this.#none("failed");
    return this.#variantsIn(record, key, hash, index);
  }

  #variantsIn(
    record: Buffer,
    key: string,
    hash: KeyHash,
    index: PlaceIndex,
  ): readonly StoredResponse[] | undefined {
    const variants = this.#decoded(record, key);
    if (variants === "absent") return this.#none("absent");
    const { purges } = this.#deps;
    // What is newer than all purges that are known is of nobody.
    if (!variants || variants.some(({ since }) => since > purges.last)) {
      index.delete(hash);
      return this.#none("damaged");
    }
    if (variants.some(({ tags, since }) => purges.verdict(key, tags, since) === "gone")) {
      index.delete(hash);
      return this.#none("purged");
    }
    index.used(hash);
    this.#deps.read("hit");
    return variants;
  }

  /** Undefined: the record is damaged. "absent": it is that of another key. */
  #decoded(record: Buffer, key: string): readonly StoredResponse[] | "absent" | undefined {
    const head = wholeRecord(record);
    if (!head) return undefined;
    if (head.key !== key) return "absent";
    const meta = record.subarray(head.metaFrom, head.bodyFrom);
    const bodies = record.subarray(head.bodyFrom);
    try {
      return variantsOf(meta, bodies, (unixMs) => this.#time.monotonicMs(unixMs));
    } catch {
      return undefined;
    }
  }

  #none(result: ReadResult): undefined {
    this.#deps.read(result);
  }

  async #tick(): Promise<void> {
    if (!this.#known) return;
    const { writer } = this.#known;
    writer.wake();
    await writer.sync();
    if (this.#queue.isEmpty && !writer.isFailing) await this.#deps.journal.trust().catch(() => {});
    const { clock, logger } = this.#deps;
    const records = writer.written - this.#snapshotRecords;
    const isDue = clock.monotonicMs() >= this.#snapshotAtMs || records >= SNAPSHOT_RECORDS;
    if (records === 0 || !isDue || writer.isFailing) return;
    await this.#snapshot(this.#known).catch((error: unknown) =>
      logger.warn({ reason: messageOf(error) }, "no snapshot of the index could be written"),
    );
  }

  async #snapshot({ index, writer }: Known): Promise<void> {
    const { directory, clock } = this.#deps;
    this.#snapshotAtMs = clock.monotonicMs() + SNAPSHOT_MS;
    this.#snapshotRecords = writer.written;
    const { position } = writer;
    await writeSnapshot(directory, { index, position, seenUnixMs: this.#time.nowUnixMs() });
  }
}

function tell(
  logger: Logger,
  { hadSnapshot, scannedRecords, cutBytes }: Omit<Recovered, "index" | "segments">,
  objects: number,
  tookMs: number,
): void {
  const about = { objects, scannedRecords, cutBytes, tookMs: Math.round(tookMs) };
  if (objects + scannedRecords + cutBytes === 0) return;
  if (cutBytes > 0) logger.warn(about, "the disk store ended in the middle of a record");
  logger.info(about, hadSnapshot ? "the disk store is known" : "the disk store was read anew");
}
