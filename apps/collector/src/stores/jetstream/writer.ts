/**
 * The only writer of a stream: records in order, many messages under way. Each message is bound to its sequence: stored there or
 * not at all. A record is acknowledged when all messages up to its last are. When one fails, all that wait fail with it; then a fence
 * is stored, and what of the failed ones was stored after all is deleted before anything else is taken: nothing refused is kept,
 * nothing is stored twice. A message that comes late may still take a sequence behind the fence: the one that it was meant for then
 * fails, and the same follows.
 */
import { LogRefusal } from "@glassline/segment-log";
import { messageOf } from "@glassline/service/errors";

import { Fenced } from "./fence.ts";
import { MESSAGE_FRAME_BYTES, partsOf } from "./message.ts";
import type { SegmentTable } from "./segments.ts";

/** One message, to be stored at one sequence or not at all. */
export interface Outgoing {
  kind: "record" | "segment";
  seq: number;
  payload: Uint8Array;
  part: number;
  parts: number;
  /** Of the segment that ends, when another begins. */
  closedBytes: number;
}

export interface WriterDeps {
  segments: SegmentTable;
  segmentMaxBytes: number;
  recordMaxBytes: number;
  partMaxBytes: number;
  /** @param index the first one of the segment. */
  checkpoint: (index: number) => Uint8Array;
  /** Resolves when a quorum has the message at its sequence. */
  publish: (message: Outgoing) => Promise<void>;
  /** Stores a fence and deletes what came after `ownSeq`. @returns the fence's sequence. Rejects with Fenced. */
  takeOver: (ownSeq: number) => Promise<number>;
  /** Before another try to take over. */
  pause: () => Promise<void>;
  nowMs: () => number;
  onSegment: () => void;
  onTrouble: (trouble: { reason: string; isFinal: boolean }) => void;
}

/** A record that waits, or (without payload) a wish that the segment be closed. */
interface Pending {
  payload: Uint8Array | undefined;
  resolve: (index: number) => void;
  reject: (error: unknown) => void;
}

interface UnderWay {
  lastSeq: number;
  bytes: number;
  messages: number;
  stored: () => void;
  reject: (error: unknown) => void;
}

/** Records that may wait, those under way included; more are refused. */
const PENDING_MAX_BYTES = 67_108_864;
const UNDER_WAY_MAX_BYTES = 8_388_608;
const UNDER_WAY_MAX_MESSAGES = 512;

export class JetStreamWriter implements AsyncDisposable {
  readonly #deps: WriterDeps;
  #state: "open" | "recovering" | "fenced" = "open";
  #trouble = "";
  #closed = false;
  #ackedSeq: number;
  /** Those behind one whose answer is still to come. */
  readonly #ackedAhead = new Set<number>();
  #sentSeq: number;
  /** Sent of the segment that is written. */
  #openBytes: number;
  #queue: Pending[] = [];
  #pendingBytes = 0;
  #isBusy = false;
  #underWay: UnderWay[] = [];
  /** Counts failures: answers from before one do not matter any more. */
  #epoch = 0;
  #running: Promise<void> | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(deps: WriterDeps, fenceSeq: number) {
    this.#deps = deps;
    this.#ackedSeq = this.#sentSeq = fenceSeq;
    this.#openBytes = deps.segments.last.bytes;
  }

  /** All before it is durable. */
  get endSeq(): number {
    return this.#ackedSeq + 1;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  append(payload: Uint8Array): Promise<number> {
    const refusal = this.#refusalOf(payload);
    if (refusal) return Promise.reject(refusal);
    this.#pendingBytes += payload.length;
    return this.#enqueue(payload);
  }

  async roll(): Promise<void> {
    if (!this.#closed && this.#state === "open") await this.#enqueue(undefined);
  }

  /** Waits for what was appended before. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    while (this.#underWay.length > 0 || this.#running) await this.#changed.promise;
  }

  #refusalOf({ length }: Uint8Array): LogRefusal | undefined {
    const { recordMaxBytes } = this.#deps;
    if (this.#closed) return new LogRefusal("closed", "the log is closed");
    if (this.#state !== "open") return new LogRefusal("unavailable", this.#trouble);
    if (length > recordMaxBytes) {
      const message = `record of ${length} bytes, expected at most ${recordMaxBytes}`;
      return new LogRefusal("too-large", message);
    }
    // Until the queue is empty: what comes behind a refused record must not be stored before it.
    this.#isBusy &&= this.#pendingBytes > 0;
    this.#isBusy ||= this.#pendingBytes + length > PENDING_MAX_BYTES;
    if (!this.#isBusy) return undefined;
    const message = `${this.#pendingBytes} bytes wait for JetStream, expected at most ${PENDING_MAX_BYTES}`;
    return new LogRefusal("busy", message);
  }

  #enqueue(payload: Uint8Array | undefined): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#queue.push({ payload, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    // Those of the same moment have come when it begins.
    await Promise.resolve();
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      const isRoll = head.payload === undefined;
      if (this.#openBytes >= this.#deps.segmentMaxBytes || (isRoll && this.#openBytes > 0)) {
        if (!(await this.#isQuiet(head))) continue;
        this.#sendSegment(isRoll ? this.#queue.shift() : undefined);
        if (isRoll) continue;
      } else if (isRoll) {
        this.#queue.shift()!.resolve(this.endSeq);
        continue;
      } else if (!this.#hasRoom()) {
        await this.#changed.promise;
        continue;
      }
      this.#sendRecord(this.#queue.shift()!);
    }
    this.#running = undefined;
    this.#wake();
  }

  #hasRoom(): boolean {
    const sum = (of: "bytes" | "messages") => this.#underWay.reduce((all, one) => all + one[of], 0);
    return sum("bytes") < UNDER_WAY_MAX_BYTES && sum("messages") < UNDER_WAY_MAX_MESSAGES;
  }

  /** A checkpoint says what all before it amounts to: it is made when that is durable, and those who wait for it know. */
  async #isQuiet(head: Pending): Promise<boolean> {
    if (this.#underWay.length > 0) {
      await this.#changed.promise;
      return false;
    }
    await new Promise((resolve) => setImmediate(resolve));
    return this.#queue[0] === head;
  }

  #sendSegment(roll: Pending | undefined): void {
    const { checkpoint, segments, nowMs, onSegment } = this.#deps;
    const firstIndex = this.#sentSeq + 1;
    const payload = checkpoint(firstIndex);
    const begin = () => {
      segments.begin({ firstIndex, bytes: 0, openedMs: nowMs() });
      onSegment();
    };
    const closedBytes = segments.last.bytes;
    this.#openBytes = 0;
    this.#send("segment", [new Uint8Array()], { closedBytes, stored: begin, reject: () => {} });
    this.#send("record", partsOf(payload, this.#deps.partMaxBytes), {
      closedBytes,
      stored: () => roll?.resolve(this.endSeq),
      reject: (error) => roll?.reject(error),
    });
  }

  #sendRecord({ payload, resolve, reject }: Pending): void {
    const index = this.#sentSeq + 1;
    this.#send("record", partsOf(payload!, this.#deps.partMaxBytes), {
      closedBytes: 0,
      stored: () => {
        this.#pendingBytes -= payload!.length;
        resolve(index);
      },
      reject: (error) => {
        this.#pendingBytes -= payload!.length;
        reject(error);
      },
    });
  }

  #send(
    kind: Outgoing["kind"],
    payloads: readonly Uint8Array[],
    { closedBytes, ...settle }: Pick<UnderWay, "stored" | "reject"> & { closedBytes: number },
  ): void {
    const messages = payloads.length;
    const bytes = payloads.reduce((sum, { length }) => sum + length + MESSAGE_FRAME_BYTES, 0);
    this.#openBytes += bytes;
    this.#underWay.push({ lastSeq: this.#sentSeq + messages, bytes, messages, ...settle });
    const epoch = this.#epoch;
    for (const [at, payload] of payloads.entries()) {
      const seq = ++this.#sentSeq;
      const message = { kind, seq, payload, part: at + 1, parts: messages, closedBytes };
      this.#deps.publish(message).then(
        () => this.#acknowledged(seq, epoch),
        (error: unknown) => this.#failed(error, epoch),
      );
    }
  }

  /** That it is stored says nothing of the one before it: in its place there may be one that came late. */
  #acknowledged(seq: number, epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#ackedAhead.add(seq);
    while (this.#ackedAhead.delete(this.#ackedSeq + 1)) this.#ackedSeq++;
    while (this.#underWay[0] && this.#underWay[0].lastSeq <= this.#ackedSeq) {
      const { bytes, stored } = this.#underWay.shift()!;
      stored();
      this.#deps.segments.last.bytes += bytes;
    }
    this.#wake();
  }

  #failed(cause: unknown, epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#epoch++;
    this.#ackedAhead.clear();
    this.#state = "recovering";
    this.#trouble = `JetStream does not take records: ${messageOf(cause)}`;
    this.#deps.onTrouble({ reason: this.#trouble, isFinal: false });
    const refusal = new LogRefusal("unavailable", this.#trouble, { cause });
    for (const { reject } of this.#underWay.splice(0)) reject(refusal);
    for (const { payload, reject } of this.#queue.splice(0)) {
      this.#pendingBytes -= payload?.length ?? 0;
      reject(refusal);
    }
    this.#wake();
    void this.#recover();
  }

  async #recover(): Promise<void> {
    while (this.#state === "recovering" && !this.#closed) {
      try {
        const fenceSeq = await this.#deps.takeOver(this.#ackedSeq);
        this.#ackedSeq = this.#sentSeq = fenceSeq;
        this.#openBytes = this.#deps.segments.last.bytes;
        this.#state = "open";
      } catch (error) {
        const isFinal = error instanceof Fenced;
        this.#trouble = messageOf(error);
        if (isFinal) this.#state = "fenced";
        if (isFinal) this.#deps.onTrouble({ reason: this.#trouble, isFinal });
        else await this.#deps.pause();
      }
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
