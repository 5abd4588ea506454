/** When a producer sends its next bundle. */
import type { ProducerLimits, ProducerSession, Step } from "./producer-types.ts";

/** Credit that belonged to lost messages does not come back on this stream. */
export function isStarved({ nextSeq, headSeq, creditBytes }: ProducerSession): boolean {
  return nextSeq <= headSeq && creditBytes <= 0;
}

/** Starts the next transmission if there is a bundle, credit, and none under way. */
export function pump(session: ProducerSession, limits: ProducerLimits): Step {
  const ready = session.state === "streaming" && !session.transmitting && session.creditBytes > 0;
  if (!ready || session.nextSeq > session.headSeq) return { session, effects: [] };
  const anew = session.mustBeginAnew || session.runLength >= limits.runMaxBatches;
  const runLength = anew ? 1 : session.runLength + 1;
  return {
    session: { ...session, transmitting: true, mustBeginAnew: false, runLength },
    effects: [{ type: "transmit", seq: session.nextSeq, anew }],
  };
}

export function withForget(before: ProducerSession, step: Step): Step {
  if (step.session.durableSeq === before.durableSeq) return step;
  return {
    session: step.session,
    effects: [{ type: "forget", durableSeq: step.session.durableSeq }, ...step.effects],
  };
}
