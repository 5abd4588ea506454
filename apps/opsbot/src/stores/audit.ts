/** Who changed what, with the state before and after: lines that are only ever added, each chained to the one before. */
import { createHash } from "node:crypto";

import type { AuditLine } from "../core/audit-line.ts";
import { BEGINNING, hashedText } from "../core/audit-line.ts";
import type { Row, Sql } from "./sql.ts";
import { first } from "./sql.ts";

export interface AuditRow extends AuditLine {
  /** SHA-256, 64 hexadecimal digits. */
  hash: string;
}

export interface AuditReads {
  /** In order. */
  audit(afterSeq: number, limit: number): Promise<AuditRow[]>;
}

export interface Audit extends AuditReads {
  /** Within a transaction. */
  witness(line: Pick<AuditLine, "who" | "what" | "before" | "after">): Promise<void>;
}

export function auditIn(sql: Sql, now: () => bigint): Audit {
  return {
    audit: async (afterSeq, limit) =>
      (
        await sql.all("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2", afterSeq, limit)
      ).map(rowOf),
    witness: async (about) => {
      const last = await first(sql, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
      const line = { ...about, seq: Number(last?.["seq"] ?? 0) + 1, timeUnixNano: now() };
      await sql.run(
        "INSERT INTO audit VALUES ($1, $2, $3, $4, $5, $6, $7)",
        line.seq,
        String(line.timeUnixNano),
        line.who,
        line.what,
        line.before,
        line.after,
        hashOf(line, String(last?.["hash"] ?? BEGINNING)),
      );
    },
  };
}

export function hashOf(line: AuditLine, hashBefore: string): string {
  return createHash("sha256").update(hashedText(line, hashBefore)).digest("hex");
}

function rowOf(row: Row): AuditRow {
  return {
    seq: Number(row["seq"]),
    timeUnixNano: BigInt(String(row["time"])),
    who: String(row["who"]),
    what: String(row["what"]),
    before: String(row["before"]),
    after: String(row["after"]),
    hash: String(row["hash"]),
  };
}
