/** What a batch does to the collector's side of a session: its order, its credit, what is held. */
import type {
  Arrival,
  CollectorEffect,
  CollectorEvent,
  CollectorLimits,
  CollectorSession,
  CollectorStep,
  NackCode,
} from "./collector-types.ts";

type Session = CollectorSession<unknown>;
type Step = CollectorStep<unknown>;
type BatchEvent = Extract<CollectorEvent<unknown>, { type: "batch" }>;

/** What is on the way to the log is held until it is there. */
export function ended(session: Session): Session {
  let { heldBytes } = session;
  for (const { sizeBytes } of session.early.values()) heldBytes -= sizeBytes;
  return { ...session, state: "closed", early: new Map(), heldBytes };
}

export function refuse(session: Session, seq: number, code: NackCode, reason: string): Step {
  return {
    session: ended(session),
    effects: [{ type: "send-nack", seq, code, reason }, { type: "end" }],
  };
}

/** In order, again, or too early. */
export function takeBatch(
  session: Session,
  event: BatchEvent,
  nowMs: number,
  { batchMaxBytes, reorderMaxBatches }: CollectorLimits,
): Step {
  const { seq, keySeq, sizeBytes } = event;
  if (sizeBytes > batchMaxBytes) {
    const reason = `batch ${seq}: got ${sizeBytes} bytes, expected at most ${batchMaxBytes}`;
    return refuse(session, seq, "invalid", reason);
  }
  const creditBytes = session.creditBytes - sizeBytes;
  // The last one that is sent may go beyond. Carriers swap batches, so any may be the last one to come.
  if (creditBytes <= -batchMaxBytes) {
    const reason = `batch ${seq}: got ${-creditBytes} bytes beyond the credit, expected less than ${batchMaxBytes}`;
    return refuse(session, seq, "beyond-credit", reason);
  }
  const alive = { ...session, creditBytes, heardMs: nowMs };
  if (seq < session.expectedSeq) return replay(alive, event);
  if (seq > session.expectedSeq) return early(alive, event, reorderMaxBatches);
  if (isReadable(session.runKeySeq, event)) return appendInOrder(alive, event);
  return reportGap(alive, `batch ${seq} is built on batch ${keySeq}, which is not the run's first`);
}

function isReadable(runKeySeq: number, { seq, keySeq }: Arrival<unknown>): boolean {
  return keySeq === seq || (keySeq === runKeySeq && keySeq > 0);
}

function replay(session: Session, { seq }: Arrival<unknown>): Step {
  return { session, effects: [{ type: "count-replay", seq }, ackOf(session)] };
}

export function ackOf(session: Session): CollectorEffect<unknown> {
  return { type: "send-ack", receivedSeq: session.expectedSeq - 1, durableSeq: session.durableSeq };
}

/** What is not kept comes again: the producer goes back to the gap. */
function early(session: Session, event: BatchEvent, reorderMaxBatches: number): Step {
  const { seq, keySeq, sizeBytes, batch: content } = event;
  const known = session.early.get(seq);
  if (known && known.keySeq >= keySeq) return replay(session, event);
  const reason = `batch ${seq} came, batch ${session.expectedSeq} was expected`;
  const fits = event.mayWait && (known !== undefined || session.early.size < reorderMaxBatches);
  if (!fits) return reportGap(session, reason);
  // What was sent again, after a gap, replaces what was built on a run that will not go on.
  const waiting = new Map(session.early).set(seq, { seq, keySeq, sizeBytes, batch: content });
  const heldBytes = session.heldBytes + sizeBytes - (known?.sizeBytes ?? 0);
  return reportGap({ ...session, early: waiting, heldBytes }, reason);
}

/** Each gap once. */
function reportGap(session: Session, reason: string): Step {
  const seq = session.expectedSeq;
  if (session.reportedGap === seq) return { session, effects: [] };
  return {
    session: { ...session, reportedGap: seq },
    effects: [{ type: "send-nack", seq, code: "gap", reason }],
  };
}

/** The batch, and those that waited for it; those of an older run can never be read. */
function appendInOrder(session: Session, event: Arrival<unknown>): Step {
  const { seq, keySeq, sizeBytes, batch } = event;
  if (session.early.size === 0) {
    const heldBytes = session.heldBytes + sizeBytes;
    const moved = { ...session, runKeySeq: keySeq, expectedSeq: seq + 1, heldBytes };
    return { session: moved, effects: [{ type: "append", seq, keySeq, batch }] };
  }
  const effects: CollectorEffect<unknown>[] = [];
  const waiting = new Map<number, Arrival<unknown>>();
  let heldBytes = session.heldBytes + sizeBytes;
  for (const [heldSeq, held] of session.early) {
    if (held.keySeq < keySeq || heldSeq === seq) heldBytes -= held.sizeBytes;
    else waiting.set(heldSeq, held);
  }
  let last = event;
  for (
    let next: Arrival<unknown> | undefined = event;
    next && isReadable(last.keySeq, next);
    next = waiting.get(last.seq + 1)
  ) {
    effects.push({ type: "append", seq: next.seq, keySeq: next.keySeq, batch: next.batch });
    waiting.delete(next.seq);
    last = next;
  }
  const moved = { runKeySeq: last.keySeq, expectedSeq: last.seq + 1, early: waiting, heldBytes };
  return { session: { ...session, ...moved }, effects };
}
