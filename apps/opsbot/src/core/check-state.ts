/**
 * Soft and hard states: a result is believed when it has come often enough. Pure.
 * Source: https://icinga.com/docs/icinga-2/latest/doc/08-advanced-topics/#check-result-state-types
 */

export type State = "ok" | "warning" | "critical" | "unknown";

export interface CheckState {
  state: State;
  hard: boolean;
  /** Of a problem, from 1 on; 1 when all is well. */
  attempt: number;
  /** When `state` became what it is, Unix nanoseconds. */
  sinceUnixNano: bigint;
}

export interface CheckRules {
  maxAttempts: number;
  /** Each problem is hard at once: it is a fact, not a sample. */
  volatile: boolean;
}

export type Change =
  /** Nothing that anybody has to hear. */
  | "none"
  | "soft-problem"
  /** A problem is believed, for the first time or with another state. */
  | "hard-problem"
  /** A believed problem is over. */
  | "recovery";

/** Before the first result. */
export const PENDING: CheckState = { state: "ok", hard: true, attempt: 1, sinceUnixNano: 0n };

export function afterResult(
  before: CheckState,
  result: State,
  { maxAttempts, volatile }: CheckRules,
  nowUnixNano: bigint,
): { after: CheckState; change: Change } {
  const sinceUnixNano =
    before.state === result && before.sinceUnixNano > 0n ? before.sinceUnixNano : nowUnixNano;
  if (result === "ok") {
    const wasBelieved = before.state !== "ok" && before.hard;
    return {
      after: { state: "ok", hard: true, attempt: 1, sinceUnixNano },
      change: wasBelieved ? "recovery" : "none",
    };
  }
  if (before.state !== "ok" && before.hard) {
    const after = { ...before, state: result, sinceUnixNano };
    return { after, change: before.state === result && !volatile ? "none" : "hard-problem" };
  }
  const attempt = before.state === "ok" ? 1 : before.attempt + 1;
  const hard = volatile || attempt >= maxAttempts;
  const after = { state: result, hard, attempt: hard ? maxAttempts : attempt, sinceUnixNano };
  return { after, change: hard ? "hard-problem" : "soft-problem" };
}
