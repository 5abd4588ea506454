/** What clients may cost. */

export interface FrontLimits {
  connectionsMax: number;
  /** 0: no limit of its own for each. */
  clientConnectionsMax: number;
  /** For a request to come, for a reader who takes nothing, and for a connection that is not used. */
  timeoutMs: number;
  /** Of all fields of a request together. */
  headerBytes: number;
}

/** How often times are looked at. */
export const lookIntervalMs = (timeoutMs: number): number =>
  Math.max(25, Math.min(1_000, timeoutMs / 8));
