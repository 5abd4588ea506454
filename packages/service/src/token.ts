/** Tokens in the Authorization header, compared in constant time. */
import { timingSafeEqual } from "node:crypto";

import { RpcError } from "@glassline/proto/errors";

/**
 * Throws RpcError "unauthenticated" unless the header carries the token, as `Bearer TOKEN` (RFC 6750) or as the password of
 * Basic authentication (RFC 7617), which encoders speak. An empty token lets nobody in.
 * @param expected what the reader should show, for people.
 */
export function requireToken(
  authorization: string | undefined,
  token: string,
  expected: string,
): void {
  if (hasToken(authorization, token)) return;
  const shown = authorization === undefined ? "no authorization" : "another token";
  throw new RpcError("unauthenticated", `authorization: got ${shown}, expected ${expected}`);
}

export function hasToken(authorization: string | undefined, token: string): boolean {
  if (token === "" || authorization === undefined) return false;
  const [got, expected] = [Buffer.from(tokenIn(authorization)), Buffer.from(token)];
  return got.length === expected.length && timingSafeEqual(got, expected);
}

/** What the header carries as a token; empty: nothing of the kind. */
export function tokenIn(authorization: string): string {
  const [, scheme, rest = ""] = /^(\w+) +(.*)$/.exec(authorization) ?? [];
  if (scheme?.toLowerCase() === "bearer") return rest;
  if (scheme?.toLowerCase() !== "basic") return "";
  const pair = Buffer.from(rest, "base64").toString();
  return pair.slice(pair.indexOf(":") + 1);
}
