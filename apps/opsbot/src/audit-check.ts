/** Whether the audit is as it was written. */
import { BEGINNING } from "./core/audit-line.ts";
import type { Desk } from "./desk.ts";
import type { AuditRow } from "./stores/audit.ts";
import { hashOf } from "./stores/audit.ts";

const PAGE = 1_000;

export interface AuditCheck {
  lines: number;
  /** Of the last line: kept elsewhere, it shows later whether lines were cut off. */
  lastHash: string;
  /** For people: which line is not as it was written; undefined: all are. */
  problem: string | undefined;
}

/** @param expected a line that was there, by its number and hash. */
export async function checkAudit(
  { audit }: Pick<Desk, "audit">,
  expected?: { seq: number; hash: string },
): Promise<AuditCheck> {
  let [lines, lastHash] = [0, BEGINNING];
  let isExpectedFound = expected === undefined;
  for (;;) {
    const page = await audit(lines, PAGE);
    for (const row of page) {
      const problem = problemOf(row, lines + 1, lastHash);
      if (problem !== undefined) return { lines, lastHash, problem };
      if (row.seq === expected?.seq && row.hash === expected.hash) isExpectedFound = true;
      [lines, lastHash] = [row.seq, row.hash];
    }
    if (page.length < PAGE) break;
  }
  const problem = isExpectedFound
    ? undefined
    : `line ${expected!.seq} with hash ${expected!.hash}: got ${lines} lines without it, expected it among them`;
  return { lines, lastHash, problem };
}

function problemOf(row: AuditRow, seq: number, hashBefore: string): string | undefined {
  if (row.seq !== seq) return `line ${seq}: got line ${row.seq} in its place`;
  const expected = hashOf(row, hashBefore);
  return row.hash === expected
    ? undefined
    : `line ${seq}: got hash ${row.hash}, expected ${expected}: it, or one before it, was changed`;
}
