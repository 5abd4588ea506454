/**
 * What a viewer's token says, and whether it lets a request in. Its signature is looked at elsewhere. Pure.
 * Source: RFC 7519 section 4.1; `catnip` means what it means in CTA-5007, a client's addresses.
 */

/** Clocks of those who sign and of edges may differ so much. */
export const SKEW_S = 30;
/** From `iat` to `exp`, at most: so long a revocation is kept. */
export const LIFETIME_MAX_S = 31 * 86_400;
const CHANNELS_MAX = 64;
const NETWORKS_MAX = 16;
const AUDIENCES_MAX = 16;
const NAME_MAX_CHARS = 256;
/** A later moment is no date that a token means. */
const DATE_MAX_S = 1e11;

/** Why a request is refused. */
export type TokenProblem =
  | "missing"
  | "too_long"
  | "malformed"
  | "algorithm"
  | "unknown_key"
  | "bad_signature"
  | "audience"
  | "lifetime"
  | "expired"
  | "not_yet"
  | "other_channel"
  | "other_network"
  | "revoked";

export interface Refused {
  problem: TokenProblem;
  /** What, what was got, what was expected. */
  message: string;
}

export interface Claims {
  /** Of paths without escapes: "/live/cam-0001/". */
  prefixes: readonly string[];
  /** `sub`: who watches. */
  client: string;
  /** `jti`; undefined: it cannot be revoked by itself. */
  tokenId: string | undefined;
  /** Unix seconds, as `exp`, `nbf` and `iat`. */
  expiresS: number;
  notBeforeS: number;
  issuedS: number;
  /** `catnip`: addresses, or networks as ADDRESS/BITS; empty: all. */
  networks: readonly string[];
}

export const refused = (problem: TokenProblem, message: string): Refused => ({ problem, message });

export const isRefused = (one: object): one is Refused => "problem" in one;

/**
 * @param payload as it was signed. @param audience this edge, as `aud` may name it.
 * @param deployedChannel the one that this edge was deployed for, which `deployed_channel` must name; empty: none.
 */
export function claimsOf(
  payload: unknown,
  audience: string,
  deployedChannel = "",
): Claims | Refused {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload))
    return malformed("claims", payload, "an object");
  const { exp, iat, nbf = 0, sub, jti, aud, channel, catnip = [] } = payload as ClaimSet;
  for (const [name, date] of [
    ["exp", exp],
    ["iat", iat],
    ["nbf", nbf],
  ] as const)
    if (!isDate(date)) return malformed(name, date, "Unix seconds");
  if (!isName(sub))
    return malformed("sub", sub, `the client, of at most ${NAME_MAX_CHARS} characters`);
  if (jti !== undefined && !isName(jti)) return malformed("jti", jti, "a text");
  const networks = namesIn(catnip, NETWORKS_MAX);
  if (!networks) return malformed("catnip", catnip, "addresses, or networks as ADDRESS/BITS");
  const prefixes = namesIn(channel, CHANNELS_MAX)?.map(prefixOf);
  if (!prefixes || prefixes.length === 0 || prefixes.includes(undefined))
    return malformed("channel", channel, `names of channels, or prefixes such as "/vod/film/"`);
  // RFC 7519 section 4.1.3: a token for others is refused; one for nobody in particular is not.
  if (aud !== undefined && !namesIn(aud, AUDIENCES_MAX)?.includes(audience))
    return refused("audience", `token: aud: got ${shown(aud)}, expected ${shown(audience)}`);
  // Paths do not tell channels apart that have the same source.
  const { deployed_channel: deployedFor } = payload as ClaimSet;
  if (deployedChannel !== "" && deployedFor !== deployedChannel)
    return refused(
      "other_channel",
      `token: deployed_channel: got ${shown(deployedFor)}, expected ${shown(deployedChannel)}`,
    );
  const [expiresS, issuedS] = [exp as number, iat as number];
  if (expiresS - issuedS > LIFETIME_MAX_S)
    return refused(
      "lifetime",
      `token: got ${expiresS - issuedS} s from iat to exp, expected at most ${LIFETIME_MAX_S}`,
    );
  return {
    prefixes: prefixes as string[],
    client: sub,
    tokenId: jti,
    expiresS,
    notBeforeS: nbf as number,
    issuedS,
    networks,
  };
}

type ClaimSet = Partial<
  Record<
    "exp" | "iat" | "nbf" | "sub" | "jti" | "aud" | "channel" | "deployed_channel" | "catnip",
    unknown
  >
>;

/** @param path without escapes. @returns undefined when the token is good for it now. */
export function standing(claims: Claims, path: string, nowS: number): Refused | undefined {
  const { expiresS, notBeforeS, issuedS, prefixes } = claims;
  if (nowS >= expiresS + SKEW_S)
    return refused(
      "expired",
      `token: exp: got ${expiresS}, expected one after ${Math.floor(nowS)}`,
    );
  if (notBeforeS > nowS + SKEW_S || issuedS > nowS + SKEW_S)
    return refused(
      "not_yet",
      `token: nbf, iat: got ${Math.max(notBeforeS, issuedS)}, expected at most ${Math.floor(nowS)}`,
    );
  for (const prefix of prefixes) if (path.startsWith(prefix)) return undefined;
  return refused("other_channel", "token: got one for another channel, expected one for this");
}

/** A path with each escape as the byte that it stands for: one spelling for what servers may take for the same. */
export function withoutEscapes(path: string): string {
  if (!path.includes("%")) return path;
  return path.replaceAll(/%([0-9a-f]{2})/gi, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** "cam-0001" -> "/live/cam-0001/"; what begins and ends with "/" is a prefix itself. */
function prefixOf(name: string): string | undefined {
  const bytes = Buffer.from(name).toString("latin1");
  if (name.startsWith("/")) return name.endsWith("/") && name.length > 1 ? bytes : undefined;
  return name.includes("/") ? undefined : `/live/${bytes}/`;
}

/** One name, or a list of them; undefined for anything else. */
function namesIn(value: unknown, most: number): string[] | undefined {
  const names: unknown[] = Array.isArray(value) ? value : [value];
  return names.length <= most && names.every(isName) ? names : undefined;
}

const isName = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= NAME_MAX_CHARS;

const isDate = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= DATE_MAX_S;

function malformed(name: string, got: unknown, expected: string): Refused {
  return refused("malformed", `token: ${name}: got ${shown(got)}, expected ${expected}`);
}

const SHOWN_CHARS = 64;

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, SHOWN_CHARS);
}
