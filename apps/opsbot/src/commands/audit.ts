/** `audit verify`: whether the audit of a running OpsBot is as it was written. */
import type { OpsBotService } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";
import { OperatorError } from "@glassline/service/errors";

import type { AuditCheck } from "../audit-check.ts";
import { checkAudit } from "../audit-check.ts";

const EXPECTED = /^(\d{1,15}):([0-9a-f]{64})$/;

/** @param expect a line that was there before, as this told it: "SEQ:HASH". */
export async function verifyAudit(
  client: Pick<Client<typeof OpsBotService>, "listAudit">,
  expect: string,
): Promise<AuditCheck> {
  const audit = async (afterSeq: number, limit: number) => {
    const { lines } = await client.listAudit({ afterSeq: BigInt(afterSeq), limit });
    return lines.map(({ seq, ...rest }) => ({ ...rest, seq: Number(seq) }));
  };
  return checkAudit({ audit }, expect === "" ? undefined : lineIn(expect));
}

function lineIn(text: string): { seq: number; hash: string } {
  const match = EXPECTED.exec(text);
  if (!match) throw new OperatorError(`--expect: got ${JSON.stringify(text)}, expected SEQ:HASH`);
  return { seq: Number(match[1]), hash: match[2]! };
}
