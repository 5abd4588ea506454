/** Tokens as JWS in the compact form (RFC 7515 section 3.1): each is checked once, and remembered with what it says. */
import { BlockList, isIPv4, isIPv6 } from "node:net";

import type { Claims, Refused } from "../core/tokens.ts";
import { claimsOf, isRefused, refused } from "../core/tokens.ts";
import type { KeySet, VerifyingKey } from "./key-set.ts";

const TOKEN_MAX_CHARS = 2_048;
const GOOD_MAX = 20_000;
/** Those that anybody can make up do not push out good ones. */
const BAD_MAX = 1_000;

export interface Verified {
  claims: Claims;
  /** Undefined: clients of all addresses. */
  networks: BlockList | undefined;
}

export class Verifier {
  readonly #audience: string;
  readonly #deployedChannel: string;
  #keys: KeySet;
  readonly #good = new Map<string, Verified>();
  readonly #bad = new Map<string, Refused>();

  /** As `claimsOf` takes them. */
  constructor(keys: KeySet, audience: string, deployedChannel = "") {
    this.#keys = keys;
    this.#audience = audience;
    this.#deployedChannel = deployedChannel;
  }

  /** A token of a key that is gone counts no more. */
  set keys(keys: KeySet) {
    this.#keys = keys;
    this.#good.clear();
    this.#bad.clear();
  }

  verify(token: string): Verified | Refused {
    const known = this.#good.get(token) ?? this.#bad.get(token);
    if (known) return known;
    if (token.length > TOKEN_MAX_CHARS)
      return refused(
        "too_long",
        `token: got ${token.length} characters, expected at most ${TOKEN_MAX_CHARS}`,
      );
    const found = this.#read(token);
    if (isRefused(found)) remember(this.#bad, token, found, BAD_MAX);
    else remember(this.#good, token, found, GOOD_MAX);
    return found;
  }

  #read(token: string): Verified | Refused {
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))
      return refused("malformed", "token: expected three texts in base64url, with points between");
    const [head = "", body = "", signature = ""] = token.split(".");
    const found = this.#keyFor(jsonOf(head));
    if (isRefused(found)) return found;
    const { key, algorithm } = found;
    const data = Buffer.from(`${head}.${body}`);
    if (!algorithm.verify(data, key, Buffer.from(signature, "base64url")))
      return refused("bad_signature", "token: its signature is not that of its key");
    const claims = claimsOf(jsonOf(body), this.#audience, this.#deployedChannel);
    if (isRefused(claims)) return claims;
    const networks = claims.networks.length > 0 ? networksOf(claims.networks) : undefined;
    if (networks && isRefused(networks)) return networks;
    return { claims, networks };
  }

  #keyFor(header: unknown): VerifyingKey | Refused {
    const { alg, kid, crit } = (header ?? {}) as { alg?: unknown; kid?: unknown; crit?: unknown };
    // RFC 7515 section 4.1.11: what must be understood, and is not.
    if (typeof alg !== "string" || crit !== undefined)
      return refused("malformed", "token: header: expected an object with alg, without crit");
    const isNamed = typeof kid === "string";
    const only = this.#keys.size === 1 ? this.#keys.values().next().value : undefined;
    const found = isNamed ? this.#keys.get(kid) : only;
    if (!found)
      return refused("unknown_key", "token: kid: expected one of this edge's keys (--token-keys)");
    if (found.algorithm.names.includes(alg)) return found;
    return refused("algorithm", `token: alg: expected ${found.algorithm.name}, as its key is`);
  }
}

function networksOf(texts: readonly string[]): BlockList | Refused {
  const list = new BlockList();
  for (const text of texts) {
    const [, address = "", bits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    const most = family === "ipv4" ? 32 : 128;
    if ((family === "ipv6" && !isIPv6(address)) || Number(bits ?? 0) > most)
      return refused("malformed", "token: catnip: expected addresses, or networks as ADDRESS/BITS");
    list.addSubnet(address, Number(bits ?? most), family);
  }
  return list;
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

/** The oldest makes room. */
function remember<T>(all: Map<string, T>, token: string, found: T, most: number): void {
  if (all.size >= most) all.delete(all.keys().next().value!);
  all.set(token, found);
}
