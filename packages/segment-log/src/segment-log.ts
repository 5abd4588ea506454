/**
 * An append-only log of records in segment files on this disk. Appends are synced in groups: a record that was acknowledged
 * is on the disk. A torn tail is cut at start and reported. Used by the gateway's ring and by the collector's log.
 */
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readFile, rm, stat } from "node:fs/promises";

import { lockDirectory } from "./directory-lock.ts";
import { RecordTail } from "./record-tail.ts";
import { FRAME_BYTES, HEADER_BYTES, frameRecords, scanSegment } from "./record.ts";
import type { Recovered, Segment } from "./segment-files.ts";
import { createSegment, recoverSegments, writeWhole } from "./segment-files.ts";

export interface SegmentLogOptions {
  directory: string;
  /** A segment that has reached this size is closed. */
  segmentMaxBytes: number;
  /** All segments together. */
  maxBytes: number;
  recordMaxBytes: number;
  /** What happens when `maxBytes` is reached: new records are refused, or the oldest closed segments go. */
  whenFull: "refuse" | "drop-oldest";
  /** Memory for the newest records, which are then read without the disk; none when it is left out. */
  tailMaxBytes?: number;
  /** The first record of every segment but the first: what a reader must know of those before it, all of it durable. */
  checkpoint?: (index: number) => Uint8Array;
  /** Called for each segment that retention deletes. */
  onDropped?: (reason: "size" | "age", segment: SegmentInfo) => void;
}

/** A record was refused; what was acknowledged before is not touched. */
export class LogRefusal extends Error {
  override readonly name = "LogRefusal";
  readonly reason: "full" | "busy" | "too-large" | "disk" | "unavailable" | "closed";

  constructor(reason: LogRefusal["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface LogRecord {
  /** From 1, growing; after a torn tail some are left out. */
  index: number;
  /** Undefined where the disk does not hold the record (any more). */
  payload: Uint8Array | undefined;
}

export type SegmentInfo = Readonly<Segment>;

/** A record that waits to be written, or (without payload) a wish that the active segment be closed. */
interface Pending {
  payload: Uint8Array | undefined;
  resolve: (index: number) => void;
  reject: (error: unknown) => void;
}

/** Records that may wait for the disk; more are refused. */
const PENDING_MAX_BYTES = 67_108_864;

export class SegmentLog implements AsyncDisposable {
  /** What the start found and mended, for people; empty when all was well. */
  readonly findings: readonly string[];
  readonly #options: SegmentLogOptions;
  readonly #lock: Disposable;
  readonly #segments: Segment[];
  #active: FileHandle;
  #nextIndex: number;
  readonly #tail: RecordTail;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #flushing: Promise<void> | undefined;
  /** The active file may hold what nobody was told of: the next record goes into a new segment. */
  #tainted: boolean;
  #closed = false;
  #isBusy = false;

  private constructor(options: SegmentLogOptions, lock: Disposable, recovered: Recovered) {
    this.#options = options;
    this.#lock = lock;
    this.#segments = recovered.segments;
    this.#active = recovered.active;
    this.#nextIndex = recovered.nextIndex;
    this.#tainted = recovered.isTorn;
    this.#tail = new RecordTail(options.tailMaxBytes ?? 0, recovered.nextIndex);
    this.findings = recovered.findings;
  }

  /** Opens or makes the log; cuts a torn tail. Fails when another process has it open or the folder cannot be written. */
  static async open(options: SegmentLogOptions): Promise<SegmentLog> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const lock = lockDirectory(options.directory);
    try {
      return new SegmentLog(
        options,
        lock,
        await recoverSegments(options.directory, options.recordMaxBytes),
      );
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /** Index of the oldest record that is kept (or of the next one when none is). */
  get firstIndex(): number {
    return this.#segments[0]!.firstIndex;
  }

  get nextIndex(): number {
    return this.#nextIndex;
  }

  /** On disk and on the way there. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, this.#pendingBytes);
  }

  /** Oldest first; the last one is still being written. */
  get segments(): readonly SegmentInfo[] {
    return this.#segments;
  }

  /** @returns its index, once it is synced to the disk. Rejects with LogRefusal. The bytes must not be changed afterwards. */
  append(payload: Uint8Array): Promise<number> {
    const refusal = this.#refusalOf(payload);
    if (refusal) return Promise.reject(refusal);
    this.#pendingBytes += FRAME_BYTES + payload.length;
    return this.#enqueue(payload);
  }

  /** Closes the active segment if it holds anything, so that it can be dropped; after all that was appended before. */
  async roll(): Promise<void> {
    if (!this.#closed) await this.#enqueue(undefined);
  }

  /** Records from an index on (or from the oldest kept), before `toIndex` and the end at the moment of the call. */
  async *read(fromIndex: number, toIndex = Number.POSITIVE_INFINITY): AsyncGenerator<LogRecord> {
    const endIndex = Math.min(this.#nextIndex, toIndex);
    const segments = this.#segments.slice();
    const tailIndex = Math.max(fromIndex, this.firstIndex, this.#tail.firstIndex);
    const tail = tailIndex < endIndex ? this.#tail.slice(tailIndex, endIndex) : [];
    const diskEnd = Math.min(tailIndex, endIndex);
    for (const [position, segment] of segments.entries()) {
      const endOfSegment = Math.min(segments[position + 1]?.firstIndex ?? diskEnd, diskEnd);
      if (endOfSegment <= fromIndex) continue;
      const payloads = await this.#payloadsOf(segment);
      for (let index = Math.max(segment.firstIndex, fromIndex); index < endOfSegment; index++) {
        yield { index, payload: payloads.get(index) };
      }
    }
    for (const [at, payload] of tail.entries()) yield { index: tailIndex + at, payload };
  }

  /** Resolves when the log has a record of the index or behind it. Rejects with the signal's reason, or LogRefusal at the end. */
  async reached(index: number, signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw new LogRefusal("closed", "the log is closed");
    await this.#tail.reached(index, signal);
  }

  /** Deletes whole closed segments all of whose records lie before the index. */
  async dropBefore(index: number): Promise<void> {
    while (this.#segments.length > 1 && this.#segments[1]!.firstIndex <= index) {
      await rm(this.#segments.shift()!.path, { force: true });
    }
  }

  /** Deletes closed segments, oldest first, that were written last before a moment (Unix milliseconds) of the disk's clock. */
  async dropOlderThan(unixMs: number): Promise<void> {
    while (this.#segments.length > 1) {
      const oldest = this.#segments[0]!;
      const { mtimeMs } = await stat(oldest.path);
      // Another one may be the oldest by now.
      if (mtimeMs >= unixMs || oldest !== this.#segments[0] || this.#segments.length === 1) return;
      await this.#drop("age");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushing;
    this.#tail.close(new LogRefusal("closed", "the log is closed"));
    await this.#active.close();
    this.#lock[Symbol.dispose]();
  }

  #refusalOf(payload: Uint8Array): LogRefusal | undefined {
    const { maxBytes, recordMaxBytes, whenFull } = this.#options;
    const size = FRAME_BYTES + payload.length;
    if (this.#closed) return new LogRefusal("closed", "the log is closed");
    if (payload.length > recordMaxBytes) {
      return new LogRefusal(
        "too-large",
        `record of ${payload.length} bytes, expected at most ${recordMaxBytes}`,
      );
    }
    // Until the queue is empty: what comes behind a refused record must not be stored before it.
    this.#isBusy &&= this.#pendingBytes > 0;
    this.#isBusy ||= this.#pendingBytes + size > PENDING_MAX_BYTES;
    if (this.#isBusy) {
      return new LogRefusal(
        "busy",
        `${this.#pendingBytes} bytes wait for the disk, expected at most ${PENDING_MAX_BYTES}`,
      );
    }
    if (whenFull === "refuse" && this.bytes + size > maxBytes) {
      return new LogRefusal("full", `${this.bytes} of ${maxBytes} bytes are taken`);
    }
    return undefined;
  }

  #enqueue(payload: Uint8Array | undefined): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#pending.push({ payload, resolve, reject });
    this.#flushing ??= this.#flush();
    return promise;
  }

  async #payloadsOf(segment: Segment): Promise<Map<number, Uint8Array>> {
    try {
      return scanSegment(await readFile(segment.path), this.#options.recordMaxBytes).payloads;
    } catch (error) {
      // Dropped since the reading began. Any other error passes: it must not look like a lost record.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
      throw error;
    }
  }

  /** The only writer: groups and rolls one after another. */
  async #flush(): Promise<void> {
    // One turn of the event loop lets the records of the same moment share a sync.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const rollAt = this.#pending.findIndex(({ payload }) => payload === undefined);
      // A roll stands alone in its group.
      const group = this.#pending.splice(
        0,
        rollAt === -1 ? this.#pending.length : Math.max(1, rollAt),
      );
      const done = rollAt === 0 ? this.#rollNow(group[0]!) : this.#writeGroup(group);
      await done.catch((error: unknown) => this.#refuseAll(group, error));
    }
    this.#flushing = undefined;
  }

  async #writeGroup(group: readonly Pending[]): Promise<void> {
    const last = this.#segments.at(-1)!;
    if (this.#tainted || last.bytes >= this.#options.segmentMaxBytes) await this.#openNextSegment();
    const firstIndex = this.#nextIndex;
    try {
      const payloads = group.map(({ payload }) => payload!);
      const bytes = await writeWhole(this.#active, frameRecords(firstIndex, payloads));
      await this.#active.datasync();
      this.#segments.at(-1)!.bytes += bytes;
      this.#pendingBytes -= bytes;
    } catch (error) {
      await this.#cutBack();
      throw error;
    }
    this.#nextIndex += group.length;
    for (const { payload } of group) this.#tail.push(payload!);
    group.forEach(({ resolve }, at) => resolve(firstIndex + at));
  }

  /** What waits behind a failed group fails with it: a later record never lands before an earlier one is refused. */
  #refuseAll(group: readonly Pending[], cause: unknown): void {
    const all = [...group, ...this.#pending.splice(0)];
    for (const { payload } of all) if (payload) this.#pendingBytes -= FRAME_BYTES + payload.length;
    const message = `the disk does not take writes: ${cause instanceof Error ? cause.message : String(cause)}`;
    for (const { reject } of all) reject(new LogRefusal("disk", message, { cause }));
  }

  /** After a failed write the file may hold part of a group: nothing of it was acknowledged. */
  async #cutBack(): Promise<void> {
    this.#tainted = true;
    const segment = this.#segments.at(-1)!;
    try {
      await this.#active.truncate(segment.bytes);
      // A descriptor that failed to sync may hide later errors: go on with a new one.
      const reopened = await open(segment.path, "a");
      await this.#active.close().catch(() => {});
      this.#active = reopened;
      this.#tainted = false;
    } catch {
      // The next record opens a new segment; readers stop where this one's acknowledged records end.
    }
  }

  async #rollNow({ resolve }: Pending): Promise<void> {
    if (this.#segments.at(-1)!.bytes > HEADER_BYTES) await this.#openNextSegment();
    resolve(this.#nextIndex);
  }

  async #openNextSegment(): Promise<void> {
    const { directory, checkpoint } = this.#options;
    const head = checkpoint?.(this.#nextIndex);
    const { segment, handle } = await createSegment(directory, this.#nextIndex, head);
    await this.#active.close().catch(() => {});
    this.#active = handle;
    // One that holds no record yet has the same name and was made anew.
    if (this.#segments.at(-1)!.firstIndex === segment.firstIndex) this.#segments.pop();
    this.#segments.push(segment);
    this.#tainted = false;
    if (head) {
      this.#nextIndex++;
      this.#tail.push(head);
    }
    if (this.#options.whenFull === "drop-oldest") await this.#dropOldest();
  }

  async #dropOldest(): Promise<void> {
    while (
      this.#segments.length > 2 &&
      this.bytes + this.#options.segmentMaxBytes > this.#options.maxBytes
    ) {
      await this.#drop("size");
    }
  }

  async #drop(reason: "size" | "age"): Promise<void> {
    const segment = this.#segments.shift()!;
    await rm(segment.path, { force: true });
    this.#options.onDropped?.(reason, segment);
  }
}
