/**
 * Soft and hard states: a result is believed when it has come often enough. Pure.
 * Source: https://icinga.com/docs/icinga-2/latest/doc/08-advanced-topics/#check-result-state-types
 * Other than there, a problem that becomes critical is looked at anew before it is believed: OpsBot acts on it. And what has not
 * been checked yet is well: Icinga begins with a first failed attempt.
 */

export type State = "ok" | "warning" | "critical" | "unknown";

export interface CheckState {
  state: State;
  hard: boolean;
  /** A problem was told, and its end was not. */
  believed: boolean;
  /** Of a problem that is not believed yet, from 1 on; 1 in a hard state. */
  attempt: number;
  /** When `state` became what it is, Unix nanoseconds. */
  sinceUnixNano: bigint;
}

export interface CheckRules {
  maxAttempts: number;
  /** Each result of a believed problem is told: it is a fact, not a sample. */
  volatile: boolean;
}

export type Change =
  /** Nothing that anybody has to hear. */
  | "none"
  /** No new result: what was told is told again, since there may be something left to do. */
  | "again"
  | "soft-problem"
  /** A problem is believed, for the first time or with another state. */
  | "hard-problem"
  /** A believed problem is over. */
  | "recovery";

/** Before the first result. */
export const PENDING: CheckState = {
  state: "ok",
  hard: true,
  believed: false,
  attempt: 1,
  sinceUnixNano: 0n,
};

export function afterResult(
  before: CheckState,
  result: State,
  { maxAttempts, volatile }: CheckRules,
  nowUnixNano: bigint,
): { after: CheckState; change: Change } {
  const sinceUnixNano =
    before.state === result && before.sinceUnixNano > 0n ? before.sinceUnixNano : nowUnixNano;
  if (result === "ok")
    return {
      after: { state: "ok", hard: true, believed: false, attempt: 1, sinceUnixNano },
      change: before.believed ? "recovery" : "none",
    };
  const isNew =
    before.state === "ok" || (result === "critical" && before.state !== "critical" && !volatile);
  if (before.hard && !isNew) {
    const after = { ...before, state: result, sinceUnixNano };
    return { after, change: before.state === result && !volatile ? "none" : "hard-problem" };
  }
  const attempt = isNew ? 1 : before.attempt + 1;
  const hard = attempt >= maxAttempts;
  const believed = before.believed || hard;
  const after = {
    state: result,
    hard,
    believed,
    attempt: hard ? 1 : attempt,
    sinceUnixNano,
  };
  return { after, change: hard ? "hard-problem" : "soft-problem" };
}
