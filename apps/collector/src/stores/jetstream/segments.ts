/** The segments of a stream: which there are, and which go. */
import type { JetStreamManager, MsgRequest } from "@nats-io/jetstream";

import type { DropReason, Retention } from "../telemetry-log.ts";
import { CLOSED_BYTES_HEADER, MESSAGE_FRAME_BYTES } from "./message.ts";
import { readMessages } from "./reader.ts";
import { subjectsOf } from "./stream.ts";

export interface StreamSegment {
  readonly firstIndex: number;
  /** Of the last one: what is acknowledged. */
  bytes: number;
  /** When it began: all before it is older. Unix milliseconds. */
  readonly openedMs: number;
}

export class SegmentTable {
  readonly #retention: Retention;
  /** Never empty. */
  readonly #segments: StreamSegment[];

  constructor(retention: Retention, segments: readonly StreamSegment[]) {
    this.#retention = retention;
    this.#segments = [...segments];
  }

  get all(): readonly StreamSegment[] {
    return this.#segments;
  }

  get last(): StreamSegment {
    return this.#segments.at(-1)!;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  begin(segment: StreamSegment): void {
    this.#segments.push(segment);
    const { maxBytes, segmentMaxBytes } = this.#retention;
    while (this.#segments.length > 2 && this.bytes + segmentMaxBytes > maxBytes) this.#drop("size");
  }

  /** @returns whether any went. */
  dropOlderThan(unixMs: number): boolean {
    const before = this.#segments.length;
    while (this.#segments.length > 1 && this.#segments[1]!.openedMs < unixMs) this.#drop("age");
    return this.#segments.length < before;
  }

  #drop(reason: DropReason): void {
    const segment = this.#segments.shift()!;
    this.#retention.onDropped?.(reason, segment);
  }
}

/** One request a segment, and a reading of the last one for its size. */
export async function listSegments(
  manager: JetStreamManager,
  stream: string,
  firstSeq: number,
  endSeq: number,
  nowMs: number,
): Promise<StreamSegment[]> {
  const segments: StreamSegment[] = [{ firstIndex: firstSeq, bytes: 0, openedMs: nowMs }];
  for (let seq = firstSeq; ; seq = segments.at(-1)!.firstIndex + 1) {
    const next = await manager.streams.getMessage(stream, nextBoundary(stream, seq));
    if (!next || next.seq >= endSeq) break;
    segments.at(-1)!.bytes = Number(next.header.get(CLOSED_BYTES_HEADER));
    if (next.seq === firstSeq) segments.pop();
    segments.push({ firstIndex: next.seq, bytes: 0, openedMs: next.time.getTime() });
  }
  const last = segments.at(-1)!;
  for await (const { data } of readMessages(manager, stream, last.firstIndex, endSeq))
    last.bytes += MESSAGE_FRAME_BYTES + data.length;
  return segments;
}

/** The first one at or behind a sequence. The server knows `next_by_subj`, the client's type does not. */
function nextBoundary(stream: string, seq: number): MsgRequest {
  const request: MsgRequest & { next_by_subj: string } = {
    seq,
    next_by_subj: subjectsOf(stream).segment,
  };
  return request;
}
