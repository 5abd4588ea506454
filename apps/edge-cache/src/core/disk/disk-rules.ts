/** What of the store goes to disk, and how often. Pure. */
import { kindOf } from "../address.ts";
import { rulesOf } from "../hls-rules.ts";
import type { Fields } from "../http/fields.ts";
import type { Policy } from "../http/freshness.ts";

/** What is of no use for so long is not worth a write. */
const USEFUL_MS = 10_000;
/** Of a lifetime: a renewal that moves nothing but times is written when so much has gone. */
const RENEWAL_SHARE = 0.5;

/** What of a stored response these rules look at. */
interface Response {
  status: number;
  fields: Fields;
  policy: Policy;
  bornMs: number;
  body: Buffer;
}

/** @param nowMs on the clock of bornMs. */
export function isForDisk(key: string, response: Response, nowMs: number): boolean {
  const query = key.indexOf("?");
  const kind = kindOf(query < 0 ? key : key.slice(0, query));
  if (kind === "playlist" && !isEnded(response.body)) return false;
  const ageMs = nowMs - response.bornMs;
  const awayMs = rulesOf(kind).staleWhenAwayMs;
  return usefulMs(response, awayMs) - ageMs >= USEFUL_MS;
}

/** A playlist that nothing is added to any more (RFC 8216 section 4.3.3.4). */
const isEnded = (body: Buffer): boolean => body.includes("#EXT-X-ENDLIST", 0, "latin1");

/** Milliseconds from its birth on. */
function usefulMs({ status, policy }: Response, awayMs: number): number {
  const { lifetimeMs, noCache, mustRevalidate, staleWhileRevalidateMs, staleIfErrorMs } = policy;
  if (noCache || mustRevalidate) return noCache ? 0 : lifetimeMs;
  // Nobody wants yesterday's failure because the origin is away today.
  const otherwiseMs = status < 400 ? awayMs : 0;
  return lifetimeMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs ?? otherwiseMs);
}

/** Fields of a response that a renewal moves. */
const TIMES: ReadonlySet<string> = new Set(["date", "expires"]);

/** Whether a 304 changed nothing but times. @param next with the same body as before. */
export function isSameButTimes(before: Response, next: Response): boolean {
  return (
    before.body === next.body &&
    before.status === next.status &&
    isSamePolicy(before.policy, next.policy) &&
    isSameFields(before.fields, next.fields)
  );
}

function isSamePolicy(before: Policy, next: Policy): boolean {
  return (
    before.lifetimeMs === next.lifetimeMs &&
    before.noCache === next.noCache &&
    before.mustRevalidate === next.mustRevalidate &&
    before.staleWhileRevalidateMs === next.staleWhileRevalidateMs &&
    before.staleIfErrorMs === next.staleIfErrorMs
  );
}

function isSameFields(before: Fields, next: Fields): boolean {
  const [left, right] = [before.without(TIMES).lines, next.without(TIMES).lines];
  return (
    left.length === right.length &&
    left.every(([name, value], at) => right[at]![0] === name && right[at]![1] === value)
  );
}

/** Whether a renewal is written. @param writtenBornMs birth of what is on disk, on the same clock. */
export function isRenewalDue({ policy, bornMs }: Response, writtenBornMs: number): boolean {
  return bornMs - writtenBornMs >= RENEWAL_SHARE * policy.lifetimeMs;
}
