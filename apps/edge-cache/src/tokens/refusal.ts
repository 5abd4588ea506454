/** What somebody without a good token is told. Source: RFC 6750 section 3. */
import type { FieldLine } from "../core/http/fields.ts";
import type { Refused } from "../core/tokens.ts";

/** @param edge its name, as the realm. */
export function refusalOf({ problem, message }: Refused, edge: string) {
  const isMissing = problem === "missing";
  // Section 3.1: who showed nothing is told nothing of errors.
  const error = isMissing ? "" : ', error="invalid_token"';
  const fields: FieldLine[] = [
    ["cache-control", "no-store"],
    ["www-authenticate", `Bearer realm=${JSON.stringify(edge)}${error}`],
  ];
  const code = isMissing ? "unauthenticated" : "permission_denied";
  return { status: isMissing ? 401 : 403, body: { code, message, reason: problem }, fields };
}
