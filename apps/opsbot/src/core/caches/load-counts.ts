/** What players of a test load got, counted; put together from several processes. Pure. */
import { Latencies } from "./latencies.ts";

export interface LoadCounts {
  requests: number;
  errors: number;
  /** What went wrong: "edge-2: status 502". */
  reasons: Record<string, number>;
  /** Answers of which a cache says how it came to them. */
  judged: number;
  /** Of these, without a question to the origin. */
  hits: number;
  bytes: number;
  /** To the first byte, of what the server did not hold back: steps of Latencies. */
  firstByte: readonly (readonly [number, number])[];
  segments: number;
  stalls: number;
  /** Players that played nothing. */
  idle: number;
  /** How late the process that asked was itself, in the worst hundredth of its turns; milliseconds. */
  lateMs: number;
}

const REASONS_MAX = 50;
const OTHERS = "others";

export function addReason(reasons: Record<string, number>, reason: string, count = 1): void {
  const isKnown = Object.hasOwn(reasons, reason);
  const hasRoom = Object.keys(reasons).length < REASONS_MAX;
  const name = isKnown || hasRoom ? reason : OTHERS;
  reasons[name] = (reasons[name] ?? 0) + count;
}

export function sumOf(all: readonly LoadCounts[]): LoadCounts {
  const firstByte = new Latencies();
  const reasons: Record<string, number> = {};
  for (const one of all) {
    firstByte.merge(Latencies.from(one.firstByte));
    for (const [reason, count] of Object.entries(one.reasons)) addReason(reasons, reason, count);
  }
  const total = (of: (one: LoadCounts) => number) => all.reduce((sum, one) => sum + of(one), 0);
  return {
    requests: total(({ requests }) => requests),
    errors: total(({ errors }) => errors),
    reasons,
    judged: total(({ judged }) => judged),
    hits: total(({ hits }) => hits),
    bytes: total(({ bytes }) => bytes),
    firstByte: firstByte.counts(),
    segments: total(({ segments }) => segments),
    stalls: total(({ stalls }) => stalls),
    idle: total(({ idle }) => idle),
    lateMs: Math.max(0, ...all.map(({ lateMs }) => lateMs)),
  };
}
