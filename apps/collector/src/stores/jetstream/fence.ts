/**
 * One writer a stream. Each message expects to follow the one that its writer knows to be the last (Nats-Expected-Last-Sequence):
 * whoever writes in between makes messages of the other fail. A fence says who writes from there on; what its writer refused before
 * it is deleted.
 */
import type { StoredMsg } from "@nats-io/jetstream";
import { JetStreamApiCodes, jetstream } from "@nats-io/jetstream";
import { RequestError, TimeoutError, headers } from "@nats-io/transport-node";
import { OperatorError } from "@glassline/service/errors";

import type { JetStream } from "./connection.ts";
import { WRITER_HEADER } from "./message.ts";
import { codeOf, subjectsOf } from "./stream.ts";

const ASK_TIMEOUT_MS = 1_000;

/** Another collector has begun to write the stream: this one must not go on. */
export class Fenced extends Error {
  override readonly name = "Fenced";
}

/** Rejects with OperatorError when a collector that lives writes the stream. */
export async function requireNoWriter({ nc }: JetStream, stream: string): Promise<void> {
  try {
    const answer = await nc.request(subjectsOf(stream).writer, "", { timeout: ASK_TIMEOUT_MS });
    throw new OperatorError(
      `--log-nats-stream ${stream}: another collector writes there: ${answer.string()}. Stop it or name another stream.`,
    );
  } catch (error) {
    const isNobody =
      error instanceof TimeoutError || (error instanceof RequestError && error.isNoResponders());
    if (!isNobody) throw error;
  }
}

/** Answers those who ask, until the connection ends. */
export function answerAsWriter({ nc }: JetStream, stream: string, writer: string): void {
  nc.subscribe(subjectsOf(stream).writer, {
    callback: (_, message) => void message.respond(writer),
  });
}

/**
 * Stores a fence behind all that is there.
 * @param ownSeq the last message that this writer knows to be its own; undefined: whoever wrote before has ended.
 * @returns its sequence, and the last one before it. Rejects with Fenced, or when the servers do not take it.
 */
export async function storeFence(
  { nc, manager }: JetStream,
  stream: string,
  writer: string,
  ownSeq: number | undefined,
): Promise<{ fenceSeq: number; lastSeq: number }> {
  const { state } = await manager.streams.info(stream);
  if (ownSeq !== undefined) {
    if (state.last_seq < ownSeq)
      throw new Error(`stream ${stream}: got ${state.last_seq} messages, expected ${ownSeq}`);
    if (state.first_seq > ownSeq + 1) throw new Fenced(`stream ${stream}: another one purges it`);
    await requireOwn({ manager }, stream, writer, ownSeq);
  }
  const marked = headers();
  marked.set(WRITER_HEADER, writer);
  const { seq } = await jetstream(nc).publish(subjectsOf(stream).fence, "", {
    headers: marked,
    expect: { lastSequence: state.last_seq },
  });
  return { fenceSeq: seq, lastSeq: state.last_seq };
}

/** The last fence of all tells: whoever wrote after `ownSeq` has stored one first. */
async function requireOwn(
  { manager }: Pick<JetStream, "manager">,
  stream: string,
  writer: string,
  ownSeq: number,
): Promise<void> {
  const fence = await manager.streams.getMessage(stream, {
    last_by_subj: subjectsOf(stream).fence,
  });
  const other = writerOf(fence);
  if (fence && fence.seq > ownSeq && other !== writer)
    throw new Fenced(`stream ${stream}: another collector writes there: ${other}`);
}

function writerOf(fence: StoredMsg | null): string | undefined {
  return fence?.header?.get(WRITER_HEADER);
}

/** Deletes messages between two sequences that nobody was told of. */
export async function deleteBetween(
  { manager }: JetStream,
  stream: string,
  afterSeq: number,
  beforeSeq: number,
): Promise<void> {
  for (let seq = afterSeq + 1; seq < beforeSeq; seq++) {
    try {
      await manager.streams.deleteMessage(stream, seq, false);
    } catch (error) {
      if (codeOf(error) !== NO_MESSAGE && codeOf(error) !== SEQUENCE_NOT_FOUND) throw error;
    }
  }
}

/** The message is not there (any more). Source: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const NO_MESSAGE = JetStreamApiCodes.NoMessageFound;
const SEQUENCE_NOT_FOUND = 10_043;
