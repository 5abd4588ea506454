/** `audit verify`: whether the audit of a running OpsBot is as it was written. */
import { OperatorError } from "@glassline/service/errors";

import type { AuditCheck } from "../audit-check.ts";
import { checkAudit } from "../audit-check.ts";
import type { Desk } from "../desk.ts";

const EXPECTED = /^(\d{1,15}):([0-9a-f]{64})$/;

/** @param expect a line that was there before, as this told it: "SEQ:HASH". */
export async function verifyAudit(desk: Pick<Desk, "audit">, expect: string): Promise<AuditCheck> {
  return checkAudit(desk, expect === "" ? undefined : lineIn(expect));
}

function lineIn(text: string): { seq: number; hash: string } {
  const match = EXPECTED.exec(text);
  if (!match) throw new OperatorError(`--expect: got ${JSON.stringify(text)}, expected SEQ:HASH`);
  return { seq: Number(match[1]), hash: match[2]! };
}
