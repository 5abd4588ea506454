/**
 * A body that comes from the origin and goes to all who wait for it, while it comes. As long as it is kept, whoever comes late begins
 * at its first byte; one that grows too large for that is let go behind its readers. Then the fastest of them sets the pace: who falls
 * behind by more than was kept is cut off, so that nobody waits for one who does not read.
 */
import { EventEmitter, once } from "node:events";

import type { InFlight } from "./core/in-flight.ts";
import { LARGE_BYTES } from "./core/in-flight.ts";

interface Reader {
  /** Bytes that it has been given. */
  position: number;
  isCut: boolean;
  cut: () => void;
}

/** This reader was too far behind the others. */
export class TooSlowError extends Error {
  override readonly name = "TooSlowError";
}

export interface BodyLimits {
  inFlight: InFlight;
  /** 0: it is not kept from the beginning, and has one reader. */
  keptMaxBytes: number;
}

/** So long one waits for others to come to their end before it is not kept: a moment without memory sends no crowd to the origin. */
const ROOM_WAIT_MS = 2_000;

export class SharedBody {
  readonly #keptMaxBytes: number;
  readonly #inFlight: InFlight;
  readonly #changes = new EventEmitter({ captureRejections: false }).setMaxListeners(0);
  readonly #readers = new Set<Reader>();
  #chunks: Buffer[] = [];
  /** Of the first chunk that is still here, in the whole. */
  #from = 0;
  #length = 0;
  #reservedBytes = 0;
  /** Of what is here, counted as in flight. */
  #countedBytes = 0;
  #state: "open" | "ended" | "failed" = "open";
  #error: unknown;
  #isKept: boolean;
  /** The first reader has come. */
  #isRead = false;

  constructor({ inFlight, keptMaxBytes }: BodyLimits) {
    this.#keptMaxBytes = keptMaxBytes;
    this.#inFlight = inFlight;
    this.#isKept = keptMaxBytes > 0;
  }

  /** Whether all of it is here, or will be. */
  get isKept(): boolean {
    return this.#isKept;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether all of it is here. */
  get isWhole(): boolean {
    return this.#state === "ended" && this.#isKept;
  }

  /** Bytes that have come. */
  get length(): number {
    return this.#length;
  }

  /** Resolves when there is room for so much, which is all of it, or it is clear that it will not be kept. */
  async announce(lengthBytes: number): Promise<void> {
    await this.#makeRoom(lengthBytes);
    if (!this.#isKept) this.#changes.emit("change");
  }

  /** Resolves when there is room for more. */
  async write(chunk: Buffer): Promise<void> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.#count(chunk.length);
    this.#changes.emit("change");
    const wasKept = this.#isKept;
    if (this.#length > this.#reservedBytes) await this.#makeRoom(this.#length);
    this.#letGo();
    if (wasKept && !this.#isKept) this.#changes.emit("change");
    if (wasKept && !this.#isKept && this.#readers.size === 0 && this.#isRead)
      this.#changes.emit("unread");
    if (this.#isKept) return;
    this.#cutSlow();
    while (this.#mayBeRead() && this.#length - this.#fastest() > this.#inFlight.windowBytes)
      await once(this.#changes, "read");
  }

  end(): void {
    this.#state = "ended";
    this.#settle();
  }

  fail(error: unknown): void {
    this.#state = "failed";
    this.#error = error;
    this.#settle();
  }

  /** All of it, at its end. Throws RangeError when it was too large to be kept. */
  whole(): Buffer {
    if (!this.#isKept)
      throw new RangeError(
        `body: got more than ${this.#keptMaxBytes} bytes, or than there was room for, expected at most that`,
      );
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  /** All of it when it has ended; undefined as soon as it is too large to be kept. Rejects with the error that it failed with. */
  async kept(): Promise<Buffer | undefined> {
    while (this.#state === "open" && this.#isKept) await once(this.#changes, "change");
    if (this.#state === "failed") throw this.#error;
    return this.#isKept ? this.whole() : undefined;
  }

  /**
   * The bytes from the first one up to another, as soon as they have come, or fewer at its end; undefined as soon as it is not kept. Rejects with the
   * error that it failed with.
   */
  async between(firstByte: number, endByte: number): Promise<Buffer | undefined> {
    this.#isRead = true;
    while (this.#state === "open" && this.#isKept && this.#length < endByte)
      await once(this.#changes, "change");
    if (this.#state === "failed") throw this.#error;
    if (!this.#isKept) return undefined;
    const pieces: Buffer[] = [];
    for (let at = firstByte; at < endByte;) {
      const chunk = this.#at(at);
      if (!chunk) break;
      pieces.push(chunk.subarray(0, endByte - at));
      at += chunk.length;
    }
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  /** Resolves with all of it when it has ended. Rejects with the error that it failed with. */
  async finished(): Promise<Buffer> {
    while (this.#state === "open") await once(this.#changes, "change");
    if (this.#state === "failed") throw this.#error;
    return this.whole();
  }

  /**
   * From the first byte on, or a later one. Throws the error that it failed with, TooSlowError when it was cut off.
   * @param cut is called when it is cut off, which a reader that does not read would not hear of.
   */
  async *read(cut: () => void = () => {}, fromByte = 0): AsyncGenerator<Buffer> {
    const reader: Reader = { position: fromByte, isCut: false, cut };
    this.#readers.add(reader);
    this.#isRead = true;
    try {
      for (;;) {
        if (reader.isCut) throw new TooSlowError("body: its reader was too slow");
        const chunk = this.#at(reader.position);
        if (chunk) {
          reader.position += chunk.length;
          this.#letGo();
          yield chunk;
        } else if (this.#state === "failed") throw this.#error;
        else if (this.#state === "ended") return;
        else await once(this.#changes, "change");
      }
    } finally {
      this.#readers.delete(reader);
      this.#letGo();
      if (this.#readers.size === 0) this.#changes.emit("unread");
    }
  }

  /** A reader comes and goes. */
  async leave(): Promise<void> {
    try {
      for await (const chunk of this.read()) {
        void chunk;
        break;
      }
    } catch {
      // Nobody wants it.
    }
  }

  /** Calls back each time that the last reader has left. */
  onUnread(listener: () => void): void {
    this.#changes.on("unread", listener);
  }

  #at(position: number): Buffer | undefined {
    if (position < this.#from) throw new RangeError("body: its beginning is not here any more");
    let from = this.#from;
    for (const chunk of this.#chunks) {
      if (position < from + chunk.length) return chunk.subarray(position - from);
      from += chunk.length;
    }
    return undefined;
  }

  /** Up to this length; where there is none, it is kept no more. */
  async #makeRoom(length: number): Promise<void> {
    this.#isKept &&= length <= this.#keptMaxBytes;
    if (!this.#isKept || length < LARGE_BYTES || length <= this.#reservedBytes) return;
    // Of one that does not say how long it is, some at a time.
    const moreBytes = Math.max(length - this.#reservedBytes, LARGE_BYTES);
    const asked = [moreBytes, this.#reservedBytes] as const;
    const hasRoom =
      this.#inFlight.reserve(...asked) ||
      (await this.#inFlight.whenRoom(...asked, AbortSignal.timeout(ROOM_WAIT_MS)));
    if (hasRoom) this.#reservedBytes += moreBytes;
    else this.#inFlight.count("not_kept");
    this.#isKept = hasRoom;
  }

  #count(bytes: number): void {
    this.#countedBytes += bytes;
    this.#inFlight.add(bytes);
  }

  /** What has come is the store's from now on, or that of those who still read it. */
  #settle(): void {
    this.#count(-this.#countedBytes);
    this.#inFlight.release(this.#reservedBytes);
    this.#reservedBytes = 0;
    this.#changes.emit("change");
  }

  /** Somebody reads it, or will. */
  #mayBeRead(): boolean {
    return this.#readers.size > 0 || !this.#isRead;
  }

  #slowest(): number {
    if (!this.#isRead) return 0;
    let least = this.#length;
    for (const { position } of this.#readers) least = Math.min(least, position);
    return least;
  }

  #fastest(): number {
    let most = 0;
    for (const { position } of this.#readers) most = Math.max(most, position);
    return most;
  }

  /** Those who are behind by more than what was kept for all. */
  #cutSlow(): void {
    const allowedBytes = Math.max(this.#reservedBytes, 2 * LARGE_BYTES);
    const fastest = this.#fastest();
    for (const reader of this.#readers) {
      if (fastest - reader.position <= allowedBytes) continue;
      this.#readers.delete(reader);
      reader.isCut = true;
      this.#inFlight.count("reader_cut");
      reader.cut();
    }
    this.#letGo();
  }

  #letGo(): void {
    if (this.#isKept) return;
    const slowest = this.#slowest();
    let bytes = 0;
    while (this.#chunks[0] && this.#from + bytes + this.#chunks[0].length <= slowest)
      bytes += this.#chunks.shift()!.length;
    this.#from += bytes;
    if (this.#state === "open") this.#count(-bytes);
    this.#changes.emit("read");
  }
}
