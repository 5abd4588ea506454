/**
 * What goes over a link between the handshakes: messages in, sealed records out, and the other way round. What a lost record carried is sent again
 * in another one. Numbers of records go on from epoch to epoch, so that an acknowledgement means one record. Its own state only; no input or output.
 */
import type { KeySource } from "@glassline/quantum/keys/epoch";
import type { SessionKeys } from "@glassline/quantum/keys/epochs";
import { Epochs } from "@glassline/quantum/keys/epochs";
import type { Dropped } from "@glassline/quantum/keys/records";
import type { Pad, PadReader } from "@glassline/quantum/keys/pad";
import { OVERHEAD_BYTES } from "@glassline/quantum/keys/records";

import type { Item, Part } from "./contents.ts";
import {
  ContentsError,
  FLEETING_HEADER_BYTES,
  HURRY_BYTES,
  partBytes,
  readItems,
  writeItems,
} from "./contents.ts";
import { Inbox } from "./inbox.ts";
import { BULK, Outbox } from "./outbox.ts";
import { Received } from "./received.ts";
import type { Ack } from "./recovery.ts";
import { Recovery } from "./recovery.ts";

export interface Heard {
  /** Whole messages. */
  messages: Uint8Array[];
  isClosed: boolean;
}

/** One-time pads, for what cameras say. */
export interface Pads {
  readonly sending: Pad;
  readonly receiving: PadReader;
}

export interface SealedRecord {
  bytes: Buffer;
  /** "control": nothing of what cameras say. */
  carries: "data" | "control";
}

/** Such records fit into a packet of IPv6's least size (RFC 8200 section 5) with its header and that of UDP: every network takes them. */
export const RECORD_MAX_BYTES = 1_280 - 40 - 8;
const QUEUE_MAX_BYTES = 4 * 1_048_576;
/** Before any round trip was measured; as QUIC's, for a link that may go around the world. */
const RTT_MS = 333;

export class SealedSession {
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #recovery: Recovery<readonly Part[]>;
  readonly #received = new Received();
  readonly #fleeting: Uint8Array[] = [];
  readonly #epochs: Epochs;

  readonly #recordMaxBytes: number;

  /** @param rejectAfterMs from the birth of keys on: they are refused. */
  constructor(rejectAfterMs?: number, recordMaxBytes = RECORD_MAX_BYTES, pads?: Pads) {
    this.#outbox = new Outbox(QUEUE_MAX_BYTES, pads?.sending);
    this.#inbox = new Inbox(pads?.receiving);
    this.#epochs = new Epochs(rejectAfterMs);
    this.#recordMaxBytes = recordMaxBytes;
    this.#recovery = new Recovery(recordMaxBytes, RTT_MS);
  }

  get source(): KeySource {
    return this.#epochs.source;
  }

  get rttMs(): number {
    return this.#recovery.rttMs;
  }

  /** Opens with these keys from now on, and seals with them when a record has shown that the other end has them. */
  begin(keys: SessionKeys, nowMs: number): void {
    this.#epochs.begin(keys, nowMs);
  }

  /** Seals with these keys from now on. */
  turnTo(keys: SessionKeys, nowMs: number): void {
    this.#epochs.turnTo(keys, nowMs);
  }

  /** False: there is too much waiting. */
  put(channel: number, flow: string, message: Uint8Array): boolean {
    return this.#outbox.put(channel, flow, message);
  }

  /** Goes with the next record, and is not sent again. False: it is too long. */
  putFleeting(message: Uint8Array): boolean {
    if (message.length > this.#contentsMaxBytes - FLEETING_HEADER_BYTES) return false;
    this.#fleeting.push(message);
    return true;
  }

  /** Messages of a channel that are not known to have arrived, in their order. */
  unarrived(channel: number): Uint8Array[] {
    return this.#outbox.unarrived(channel);
  }

  /** There are messages of a channel, and no pad for them. */
  lacksPad(channel: number): boolean {
    return this.#outbox.lacksPad(channel);
  }

  /** Messages of a channel of which nothing was sent: they are not sent here any more. */
  takeBack(channel: number): Uint8Array[] {
    return this.#outbox.takeBack(channel);
  }

  /** Throws ContentsError: the other end is not what it should be. */
  open(record: Buffer, nowMs: number): Heard | Dropped | "unknown_key" {
    const opened = this.#epochs.open(record, nowMs);
    if (typeof opened === "string") return opened;
    const items = readItems(opened.content, this.#epochs.counter);
    const wantsAck = items.some(({ kind }) => kind === "hurry")
      ? "now"
      : items.some(({ kind }) => kind === "part");
    this.#received.take(opened.counter, wantsAck, nowMs);
    return this.#hear(items, nowMs);
  }

  #hear(items: readonly Item[], nowMs: number): Heard {
    const heard: Heard = { messages: [], isClosed: false };
    for (const item of items) {
      if (item.kind === "part") heard.messages.push(...this.#inbox.take(item.part));
      else if (item.kind === "fleeting") heard.messages.push(item.bytes);
      else if (item.kind === "bye") heard.isClosed = true;
      else if (item.kind === "ack") this.#hearAck(item.ack, nowMs);
    }
    return heard;
  }

  #hearAck(ack: Ack, nowMs: number): void {
    const sent = this.#epochs.counter;
    if (ack.largest >= sent)
      throw new ContentsError(`acknowledgement: got ${ack.largest}, expected less than ${sent}`);
    this.#settle(this.#recovery.acknowledged(ack, nowMs));
  }

  #settle({ acked, lost }: { acked: (readonly Part[])[]; lost: (readonly Part[])[] }): void {
    for (const part of acked.flat()) this.#outbox.arrived(part);
    for (const part of lost.flat()) this.#outbox.putAgain(part);
  }

  /** When `records` has something to do though nothing came; Infinity: never. */
  get dueMs(): number {
    return Math.min(this.#recovery.dueMs, this.#received.dueMs);
  }

  /** What to send now. Throws RangeError when the time of the keys is over: nothing goes in clear. */
  records(nowMs: number): SealedRecord[] {
    const records: SealedRecord[] = [];
    if (!this.#epochs.maySeal) return records;
    if (nowMs >= this.#recovery.dueMs) this.#settle(this.#recovery.timeout(nowMs));
    for (let record = this.#next(nowMs); record; record = this.#next(nowMs)) records.push(record);
    return records;
  }

  /** Fleeting messages first, then parts; an acknowledgement goes along with whatever is sent. */
  #next(nowMs: number): SealedRecord | undefined {
    const items: Item[] = [];
    let room = this.#contentsMaxBytes;
    while (this.#fleeting[0] && this.#fleeting[0].length + FLEETING_HEADER_BYTES <= room) {
      const bytes = this.#fleeting.shift()!;
      room -= bytes.length + FLEETING_HEADER_BYTES;
      items.push({ kind: "fleeting", bytes });
    }
    // Nothing more may go before an acknowledgement.
    const isWaiting = this.#recovery.room < 2 * this.#recordMaxBytes;
    const parts = this.#parts(room - HURRY_BYTES);
    if (isWaiting && parts.length > 0) {
      items.push({ kind: "hurry" });
      room -= HURRY_BYTES;
    }
    for (const part of parts) {
      items.push({ kind: "part", part });
      room -= partBytes(part);
    }
    if (this.#received.hasNews && (items.length > 0 || nowMs >= this.#received.dueMs)) {
      const ack = this.#received.bytes <= room ? this.#received.ack(nowMs) : undefined;
      if (ack) items.push({ kind: "ack", ack });
    }
    if (items.length === 0) return undefined;
    const carries = parts.some(({ channel }) => channel === BULK) ? "data" : "control";
    return { bytes: this.#seal(items, parts, nowMs), carries };
  }

  #parts(bytes: number): Part[] {
    const parts: Part[] = [];
    if (this.#recovery.room < this.#recordMaxBytes) return parts;
    let room = bytes;
    const next = () => this.#outbox.next(room, this.#received.bytes);
    for (let part = next(); part; part = next()) {
      parts.push(part);
      room -= partBytes(part);
    }
    return parts;
  }

  get #contentsMaxBytes(): number {
    return this.#recordMaxBytes - OVERHEAD_BYTES;
  }

  /** The last record of this end. Throws RangeError when there are no keys that are valid. */
  bye(nowMs: number): Buffer {
    return this.#seal([{ kind: "bye" }], [], nowMs);
  }

  #seal(items: readonly Item[], parts: readonly Part[], nowMs: number): Buffer {
    const number = this.#epochs.counter;
    const record = this.#epochs.seal(writeItems(items), nowMs);
    if (parts.length > 0) this.#recovery.sent(number, record.length, parts, nowMs);
    return record;
  }
}
