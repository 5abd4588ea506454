/** Who may ask for what is behind a protected path: those who show a token for it. */
import { isIPv4, isIPv6 } from "node:net";

import type { Clock } from "@glassline/service/clock";

import type { Address } from "../core/address.ts";
import type { Addresses } from "../core/addresses.ts";
import type { Revocations } from "../core/revocations.ts";
import { splitTarget } from "../core/token-query.ts";
import type { Claims, Refused } from "../core/tokens.ts";
import { isRefused, refused, standing, withoutEscapes } from "../core/tokens.ts";
import type { Verified, Verifier } from "./verifier.ts";
import type { Asking } from "../viewer-exchange.ts";

/** A request for what is protected. */
export interface Admitted {
  /** Without the token. */
  address: Address;
  client: string;
  /** Its playlists carry the token on. */
  isInQuery: boolean;
}

export interface TokenGateDeps {
  /** As `Protected` has them. */
  protection: Protection;
  verifier: Verifier;
  revocations: Revocations;
  addresses: Addresses;
  clock: Clock;
}

export class TokenGate {
  readonly #deps: TokenGateDeps;

  constructor(deps: TokenGateDeps) {
    this.#deps = deps;
  }

  /** Undefined: what is asked for needs no token. */
  admit(request: Asking, target: string): Admitted | Refused | undefined {
    const { protection, addresses } = this.#deps;
    const inQuery = splitTarget(target);
    const address = addresses.of(inQuery ? inQuery.rest : target);
    if (!address) return undefined;
    const path = withoutEscapes(address.path);
    if (!protection.covers(path)) return undefined;
    const token = inQuery?.token ?? bearerOf(request.headers.authorization);
    if (!token && isPreflight(request)) return undefined;
    if (!token)
      return refused(
        "missing",
        "token: got none, expected one in the query as access_token, or as Authorization: Bearer",
      );
    const claims = this.#claimsOf(token, path, request);
    if (isRefused(claims)) return claims;
    return { address, client: claims.client, isInQuery: inQuery !== undefined };
  }

  #claimsOf(token: string, path: string, { socket }: Asking): Claims | Refused {
    const { verifier, revocations, clock } = this.#deps;
    const verified = verifier.verify(token);
    if (isRefused(verified)) return verified;
    const { claims } = verified;
    const problem = standing(claims, path, clock.nowMs() / 1_000);
    if (problem) return problem;
    if (revocations.has(claims)) return refused("revoked", "token: it was revoked");
    if (isFrom(verified, socket.remoteAddress ?? "")) return claims;
    return refused("other_network", "token: got another address than those of catnip");
  }
}

/** Paths that ask for a token, by their beginnings. */
export class Protection {
  readonly #prefixes: readonly string[];

  /** @param prefixes in their normal form. */
  constructor(prefixes: readonly string[]) {
    this.#prefixes = prefixes.map(withoutEscapes);
  }

  /** @param path without escapes. */
  covers(path: string): boolean {
    for (const prefix of this.#prefixes) if (path.startsWith(prefix)) return true;
    return false;
  }
}

/** A browser asks, without the token, whether it may show it. Source: Fetch, section 3.3.2 (CORS-preflight request). */
function isPreflight({ method, headers }: Asking): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

function bearerOf(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1];
}

function isFrom({ networks }: Verified, remoteAddress: string): boolean {
  if (!networks) return true;
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)|%.*$/g, "");
  if (isIPv4(address)) return networks.check(address, "ipv4");
  // Who has gone has none.
  return isIPv6(address) && networks.check(address, "ipv6");
}
