/** What the loop's process is told, and what it tells: lines of JSON. */
import type { Action } from "../../src/core/action.ts";

/** What a check finds critical as long as it is told so. */
export interface Problem {
  object: string;
  check: string;
}

export interface Begin {
  /** Where it ends by SIGKILL: "commit 3 before"; undefined: it does not. */
  dieAt?: string | undefined;
  /** What a person asks for, unless it has been asked for already. */
  request?: Action | undefined;
  /** Transactions and calls are held up so long at most, ms: where a process is stopped, it is often in the middle of one. */
  holdUpMs?: number | undefined;
  /** Each transaction leaves in whose term it was. */
  leavesTerms?: boolean;
}

export type Order = { begin: Begin } | { problems: readonly Problem[] };

export type Told =
  /** Loaded, and waits to be told to begin. */
  | { ready: true; sinceStartMs: number }
  /** A boundary; `ms` since the loop began. */
  | { at: string; ms: number }
  /** A term has begun: its fencing token, and the time of day in Unix milliseconds. */
  | { term: number; unixMs: number }
  /** A term is over. */
  | { over: number }
  /** All incidents are closed or with people, and no action is under way. */
  | { complete: true; ms: number };
