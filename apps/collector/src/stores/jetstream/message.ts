/** Records as messages. One that is larger than a message may be goes as several that follow each other. */
import type { MsgHdrs } from "@nats-io/transport-node";

/** "2/5": the second of five parts; a record in one message has none. */
export const PART_HEADER = "Glassline-Part";
/** On the beginning of a segment: bytes of the one that ends there. */
export const CLOSED_BYTES_HEADER = "Glassline-Closed-Bytes";
/** On a fence: who writes from there on. */
export const WRITER_HEADER = "Glassline-Writer";

/** What a message counts beside its payload; about what a server stores of subject, headers and frame. */
export const MESSAGE_FRAME_BYTES = 128;
/** A reader asks for many messages at a time: they are small. */
const PART_MAX_BYTES = 262_144;
/** Room for subject and headers below a server's limit. */
const HEADERS_MAX_BYTES = 1_024;
export const MAX_PAYLOAD_MIN_BYTES = 8_192;

/** @param maxPayloadBytes what the server takes, headers included. */
export function partMaxBytesOf(maxPayloadBytes: number): number {
  return Math.min(PART_MAX_BYTES, maxPayloadBytes - HEADERS_MAX_BYTES);
}

/** At least one part, of views. */
export function partsOf(payload: Uint8Array, partMaxBytes: number): Uint8Array[] {
  const count = Math.max(1, Math.ceil(payload.length / partMaxBytes));
  return Array.from({ length: count }, (_, at) =>
    payload.subarray(at * partMaxBytes, (at + 1) * partMaxBytes),
  );
}

export interface StoredPart {
  index: number;
  payload: Uint8Array;
  /** From 1. */
  part: number;
  parts: number;
}

export function storedPart(
  seq: number,
  payload: Uint8Array,
  headers: MsgHdrs | undefined,
): StoredPart {
  const [part, parts] = (headers?.get(PART_HEADER) || "1/1").split("/").map(Number);
  return { index: seq, payload, part: part!, parts: parts! };
}

export interface StoredRecord {
  /** The sequence of its first message. */
  index: number;
  payload: Uint8Array;
}

/** Puts parts together, in order. A record of which a part is missing was never acknowledged, or is gone: it is left out. */
export class Assembler {
  #parts: StoredPart[] = [];

  /** The record that the part completes. */
  add(part: StoredPart): StoredRecord | undefined {
    const before = this.#parts.at(-1);
    if (part.part === 1) this.#parts = [part];
    else if (before && continues(before, part)) this.#parts.push(part);
    else this.#parts = [];
    if (part.part !== part.parts || this.#parts.length !== part.parts) return undefined;
    const parts = this.#parts.splice(0);
    const payload =
      parts.length === 1 ? part.payload : Buffer.concat(parts.map(({ payload }) => payload));
    return { index: parts[0]!.index, payload };
  }
}

function continues(before: StoredPart, { index, part, parts }: StoredPart): boolean {
  return before.index + 1 === index && before.part + 1 === part && before.parts === parts;
}
