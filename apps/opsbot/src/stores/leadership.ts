/** Who may act: of several processes with one journal, one. A port. */

export interface Term {
  /** Higher than those of all terms before; what is acted upon refuses lower ones. */
  fencingToken: bigint;
  /** Aborted when the term is over: another one may have taken over. */
  over: AbortSignal;
}

export interface Leadership extends AsyncDisposable {
  /** Of the term that this process has; undefined: it may not act. */
  fencingToken(): bigint | undefined;
  /** Who leads, for people: "opsbot-2"; empty: nobody is known to. */
  leader(): string;
  /** Calls `begin` with each term that this process gets. What it rejects with ends the term. */
  start(begin: (term: Term) => Promise<void>): void;
}
