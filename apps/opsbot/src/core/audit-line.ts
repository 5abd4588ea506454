/** The audit's chain: each line's hash covers the line and the hash before it, so that no line can be changed or left out unseen. Pure. */

export interface AuditLine {
  seq: number;
  timeUnixNano: bigint;
  who: string;
  what: string;
  before: string;
  after: string;
}

/** Before the first line. */
export const BEGINNING = "0".repeat(64);

/** What is hashed (SHA-256): the line as JSON, with the hash before it. */
export function hashedText(
  { seq, timeUnixNano, who, what, before, after }: AuditLine,
  hashBefore: string,
): string {
  return JSON.stringify([hashBefore, seq, String(timeUnixNano), who, what, before, after]);
}
