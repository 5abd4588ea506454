/** Revoking by the admin API. */
import type { RevokeTokensRequest } from "@glassline/proto/edge";
import { RpcError } from "@glassline/proto/errors";

import type { Revocation, Revocations } from "../core/revocations.ts";
import { lastExpiryS } from "../core/revocations.ts";
import { SKEW_S } from "../core/tokens.ts";
import type { RevocationLog } from "./revocation-file.ts";

const NAME_MAX_CHARS = 256;
const NANO = 1_000_000_000n;

export interface Revoking {
  revocations: Revocations;
  log: RevocationLog;
}

/** What a request means. Throws RpcError "invalid_argument". */
export function revocationOf(
  { target, issuedUntilUnixNano }: RevokeTokensRequest,
  nowS: number,
): Revocation {
  const latestS = Math.floor(nowS) + SKEW_S;
  // Who signs may have a clock that is ahead: it is revoked rather than let through.
  const issuedUntilS = issuedUntilUnixNano === 0n ? latestS : Number(issuedUntilUnixNano / NANO);
  if (issuedUntilS > latestS)
    throw new RpcError(
      "invalid_argument",
      `issued_until_unix_nano: got ${issuedUntilUnixNano}, expected a moment that is not to come`,
    );
  if (target.case === "tokenId" && isName(target.value))
    return { tokenId: target.value, untilS: lastExpiryS(latestS) };
  if (target.case === "client" && isName(target.value))
    return { client: target.value, issuedUntilS };
  if (target.case === "everyone" && target.value) return { everyone: true, issuedUntilS };
  throw new RpcError(
    "invalid_argument",
    `target: got ${target.case ?? "none"} ${JSON.stringify(target.value ?? "")}, expected a token_id or a client of 1 to ${NAME_MAX_CHARS} characters, or everyone: true`,
  );
}

const isName = (text: string) => text !== "" && text.length <= NAME_MAX_CHARS;

function afterForgetting(revocations: Revocations, revocation: Revocation, nowS: number): boolean {
  revocations.forget(nowS);
  return revocations.add(revocation);
}

/** Resolves when it counts, also after a restart. Throws RpcError "resource_exhausted". */
export async function revoke(
  { revocations, log }: Revoking,
  revocation: Revocation,
  nowS: number,
): Promise<{ revocations: number }> {
  // Many are kept: those that have expired are looked for when there is no more room, and once a minute.
  const isAdded = revocations.add(revocation) || afterForgetting(revocations, revocation, nowS);
  if (!isAdded)
    throw new RpcError(
      "resource_exhausted",
      `revocations: got ${revocations.count} already; revoke everyone until a moment instead`,
    );
  await log.append(revocation);
  return { revocations: revocations.count };
}
