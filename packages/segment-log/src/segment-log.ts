/**
 * An append-only log of records in segment files on this disk. Appends are synced in groups: a record that was acknowledged
 * is on the disk. A torn tail is cut at start and reported. Used by the gateway's ring and by the collector's log.
 */
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readFile, readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";

import { lockDirectory } from "./directory-lock.ts";
import { FRAME_BYTES, HEADER_BYTES, frameRecord, scanSegment, segmentHeader } from "./record.ts";

export interface SegmentLogOptions {
  directory: string;
  /** A segment that has reached this size is closed. */
  segmentMaxBytes: number;
  /** All segments together. */
  maxBytes: number;
  recordMaxBytes: number;
  /** What happens when `maxBytes` is reached: new records are refused, or the oldest closed segments go. */
  whenFull: "refuse" | "drop-oldest";
  /** The first record of every segment but the first: what a reader must know of those before it, all of it durable. */
  checkpoint?: () => Uint8Array;
}

/** A record was refused; what was acknowledged before is not touched. */
export class LogRefusal extends Error {
  override readonly name = "LogRefusal";
  readonly reason: "full" | "too-large" | "disk" | "closed";

  constructor(reason: LogRefusal["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface LogRecord {
  /** From 1, without gaps. */
  index: number;
  /** Undefined where the disk no longer holds what was written (rot). */
  payload: Uint8Array | undefined;
}

export interface SegmentInfo {
  firstIndex: number;
  bytes: number;
}

interface Segment extends SegmentInfo {
  path: string;
}

interface Pending {
  payload: Uint8Array;
  resolve: (index: number) => void;
  reject: (error: unknown) => void;
}

export class SegmentLog implements AsyncDisposable {
  /** What the start found and mended, for people; empty when all was well. */
  readonly findings: readonly string[];
  readonly #options: SegmentLogOptions;
  readonly #lock: Disposable;
  #segments: Segment[];
  #active: FileHandle;
  #nextIndex: number;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #flushing: Promise<void> | undefined;
  #closed = false;

  private constructor(options: SegmentLogOptions, opened: Opened) {
    this.#options = options;
    this.#lock = opened.lock;
    this.#segments = opened.segments;
    this.#active = opened.active;
    this.#nextIndex = opened.nextIndex;
    this.findings = opened.findings;
  }

  /** Opens or makes the log; cuts a torn tail. Fails when another process has it open or the folder cannot be written. */
  static async open(options: SegmentLogOptions): Promise<SegmentLog> {
    return new SegmentLog(options, await openSegments(options));
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

  /** @returns its index, once it is synced to the disk. Rejects with LogRefusal. */
  append(payload: Uint8Array): Promise<number> {
    const { maxBytes, recordMaxBytes, whenFull } = this.#options;
    if (this.#closed) return Promise.reject(new LogRefusal("closed", "the log is closed"));
    if (payload.length > recordMaxBytes) {
      const message = `record of ${payload.length} bytes, expected at most ${recordMaxBytes}`;
      return Promise.reject(new LogRefusal("too-large", message));
    }
    if (whenFull === "refuse" && this.bytes + FRAME_BYTES + payload.length > maxBytes) {
      return Promise.reject(new LogRefusal("full", `${this.bytes} of ${maxBytes} bytes are taken`));
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#pending.push({ payload, resolve, reject });
    this.#pendingBytes += FRAME_BYTES + payload.length;
    this.#flushing ??= this.#flush();
    return promise;
  }

  /** Records from an index on (or from the oldest kept) up to the end at the moment of the call. */
  async *read(fromIndex: number): AsyncGenerator<LogRecord> {
    const endIndex = this.#nextIndex;
    const segments = this.#segments.slice();
    for (const [position, segment] of segments.entries()) {
      const endOfSegment = Math.min(segments[position + 1]?.firstIndex ?? endIndex, endIndex);
      if (endOfSegment <= fromIndex) continue;
      const bytes = await readFile(segment.path).catch(() => undefined);
      const payloads = bytes ? scanSegment(bytes, this.#options.recordMaxBytes).payloads : [];
      for (let index = Math.max(segment.firstIndex, fromIndex); index < endOfSegment; index++) {
        yield { index, payload: payloads[index - segment.firstIndex] };
      }
    }
  }

  /** Deletes whole closed segments all of whose records lie before the index. */
  async dropBefore(index: number): Promise<void> {
    while (this.#segments.length > 1 && this.#segments[1]!.firstIndex <= index) {
      await rm(this.#segments.shift()!.path, { force: true });
    }
  }

  /** Closes the active segment if it holds anything, so that it can be dropped or indexed. */
  async roll(): Promise<void> {
    await this.#flushing;
    if (this.#segments.at(-1)!.bytes > HEADER_BYTES) await this.#openNextSegment();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushing;
    await this.#active.close();
    this.#lock[Symbol.dispose]();
  }

  async #flush(): Promise<void> {
    // One turn of the event loop lets the records of the same moment share a sync.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      await this.#writeGroup(group);
    }
    this.#flushing = undefined;
  }

  async #writeGroup(group: readonly Pending[]): Promise<void> {
    const groupBytes = group.reduce((sum, { payload }) => sum + FRAME_BYTES + payload.length, 0);
    try {
      if (this.#segments.at(-1)!.bytes >= this.#options.segmentMaxBytes)
        await this.#openNextSegment();
      await this.#active.writev(group.flatMap(({ payload }) => frameRecord(payload)));
      await this.#active.datasync();
    } catch (error) {
      await this.#cutBack();
      const refusal = new LogRefusal(
        "disk",
        `the disk does not take writes: ${(error as Error).message}`,
        { cause: error },
      );
      // What waits behind the failed group fails with it: a later record never lands before an earlier one is refused.
      const waiting = this.#pending.splice(0);
      this.#pendingBytes -= waiting.reduce(
        (sum, { payload }) => sum + FRAME_BYTES + payload.length,
        0,
      );
      for (const { reject } of [...group, ...waiting]) reject(refusal);
      return;
    } finally {
      this.#pendingBytes -= groupBytes;
    }
    this.#segments.at(-1)!.bytes += groupBytes;
    for (const { resolve } of group) resolve(this.#nextIndex++);
  }

  /** After a failed write the file may hold part of a group: nothing of it was acknowledged. */
  async #cutBack(): Promise<void> {
    const segment = this.#segments.at(-1)!;
    await this.#active.truncate(segment.bytes).catch(() => {});
    // A descriptor that failed to sync may hide later errors: go on with a new one.
    const reopened = await open(segment.path, "a").catch(() => undefined);
    if (reopened) {
      await this.#active.close().catch(() => {});
      this.#active = reopened;
    }
  }

  async #openNextSegment(): Promise<void> {
    const segment = await createSegment(this.#options.directory, this.#nextIndex);
    await this.#active.close();
    this.#active = segment.handle;
    this.#segments.push(segment.info);
    if (this.#options.checkpoint) await this.#writeCheckpoint(this.#options.checkpoint());
    if (this.#options.whenFull === "drop-oldest") await this.#dropOldest();
  }

  async #writeCheckpoint(payload: Uint8Array): Promise<void> {
    await this.#active.writev(frameRecord(payload));
    this.#segments.at(-1)!.bytes += FRAME_BYTES + payload.length;
    this.#nextIndex++;
  }

  async #dropOldest(): Promise<void> {
    while (
      this.#segments.length > 2 &&
      this.bytes + this.#options.segmentMaxBytes > this.#options.maxBytes
    ) {
      await rm(this.#segments.shift()!.path, { force: true });
    }
  }
}

interface Opened {
  lock: Disposable;
  segments: Segment[];
  active: FileHandle;
  nextIndex: number;
  findings: string[];
}

async function openSegments(options: SegmentLogOptions): Promise<Opened> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const lock = lockDirectory(options.directory);
  try {
    return { lock, ...(await recoverSegments(options)) };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function recoverSegments({
  directory,
  recordMaxBytes,
}: SegmentLogOptions): Promise<Omit<Opened, "lock">> {
  const findings: string[] = [];
  const segments = await listSegments(directory);
  const last = segments.at(-1);
  if (!last) {
    const { info, handle } = await createSegment(directory, 1);
    return { segments: [info], active: handle, nextIndex: 1, findings };
  }
  const { payloads, goodBytes, damage } = scanSegment(await readFile(last.path), recordMaxBytes);
  if (damage !== undefined) {
    findings.push(
      `${last.path}: ${damage}: cut ${last.bytes - goodBytes} bytes that were never acknowledged`,
    );
    await truncate(last.path, goodBytes);
  }
  const active = await open(last.path, "a");
  if (goodBytes < HEADER_BYTES) await active.write(segmentHeader());
  await active.datasync();
  last.bytes = Math.max(goodBytes, HEADER_BYTES);
  return { segments, active, nextIndex: last.firstIndex + payloads.length, findings };
}

async function listSegments(directory: string): Promise<Segment[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{16}\.seg$/.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      return { path, firstIndex: Number.parseInt(name, 10), bytes: (await stat(path)).size };
    }),
  );
}

async function createSegment(
  directory: string,
  firstIndex: number,
): Promise<{ info: Segment; handle: FileHandle }> {
  const path = join(directory, `${String(firstIndex).padStart(16, "0")}.seg`);
  const handle = await open(path, "a");
  await handle.truncate(0);
  await handle.write(segmentHeader());
  await handle.datasync();
  await syncDirectory(directory);
  return { info: { path, firstIndex, bytes: HEADER_BYTES }, handle };
}

/** A new file's name is durable only when its folder is. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  await handle.sync().catch(() => {}); // some file systems refuse to sync a folder
  await handle.close();
}
