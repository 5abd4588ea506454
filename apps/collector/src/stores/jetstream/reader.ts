/**
 * Reads messages by their sequence, many requests at a time. The stream's leader answers, so what was acknowledged is found;
 * a consumer's replica may be behind.
 */
import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";

import type { StoredRecord } from "./message.ts";
import { Assembler, storedPart } from "./message.ts";
import { subjectsOf } from "./stream.ts";

/** Requests under way: 16 MiB of messages at most. */
const REQUESTS_MAX = 64;

/** Messages from a sequence on, before another, in order. Rejects when the servers do not answer, or do not have them yet. */
export async function* readMessages(
  manager: JetStreamManager,
  stream: string,
  fromSeq: number,
  toSeq: number,
): AsyncGenerator<StoredMsg> {
  const underWay: Promise<StoredMsg | null>[] = [];
  let nextSeq = fromSeq;
  for (let seq = fromSeq; seq < toSeq; seq++) {
    for (; nextSeq < toSeq && underWay.length < REQUESTS_MAX; nextSeq++) {
      const request = manager.streams.getMessage(stream, { seq: nextSeq });
      // One that fails behind another is told of when its turn comes, or never.
      request.catch(() => {});
      underWay.push(request);
    }
    const message = await underWay.shift()!;
    if (message) yield message;
    else if (seq === toSeq - 1) await requireSeq(manager, stream, seq);
  }
}

/** A message that is missing at the end was deleted, or the server that answered is behind. */
async function requireSeq(manager: JetStreamManager, stream: string, seq: number): Promise<void> {
  const { state } = await manager.streams.info(stream);
  if (state.last_seq < seq)
    throw new Error(`stream ${stream}: got ${state.last_seq} messages, expected ${seq}`);
}

export async function* readRecords(
  manager: JetStreamManager,
  stream: string,
  fromSeq: number,
  toSeq: number,
): AsyncGenerator<StoredRecord> {
  const { record: subject } = subjectsOf(stream);
  const assembler = new Assembler();
  for await (const message of readMessages(manager, stream, fromSeq, toSeq)) {
    if (message.subject !== subject) continue;
    const record = assembler.add(storedPart(message.seq, message.data, message.header));
    if (record) yield record;
  }
}
