/** What an edge knows of HLS beyond HTTP: for how long playlists and segments may be served. Pure. */
import type { Kind } from "./address.ts";
import type { Policy } from "./http/freshness.ts";

export interface Rules {
  /** What viewers say of caching is heard only where it cannot make every one of them ask the origin. */
  hearsClients: boolean;
  /** How stale an answer may be when the origin is away or fails, and nobody says otherwise; milliseconds. */
  staleWhenAwayMs: number;
  staleOnErrorMs: number;
}

const HOUR_MS = 3_600_000;

const RULES: Readonly<Record<Kind, Rules>> = {
  // A stale playlist freezes players.
  playlist: { hearsClients: false, staleWhenAwayMs: 0, staleOnErrorMs: 0 },
  // Names stand for one content.
  segment: { hearsClients: false, staleWhenAwayMs: HOUR_MS, staleOnErrorMs: HOUR_MS },
  // RFC 9111 section 4.2.4: when disconnected.
  other: { hearsClients: true, staleWhenAwayMs: HOUR_MS, staleOnErrorMs: 0 },
};

export const rulesOf = (kind: Kind): Rules => RULES[kind];

/** A segment that is not there yet will be in a moment; parts may be of 100 ms. */
const NEGATIVE_FRESH_MS = 50;
/** RFC 8216bis section 6.2.5.1: answers to blocking requests may be kept for six target durations. */
const BLOCKING_TARGETS = 6;

export interface HlsAnswer {
  kind: Kind;
  /** The request named a media sequence number. */
  isBlocking: boolean;
  /** Milliseconds for which the answer to such a request may be kept; undefined: by its target duration. */
  blockingMs: number | undefined;
  status: number;
  /** Of a playlist. */
  body: Buffer | undefined;
}

/**
 * What an answer allows.
 * @param toldMs as below.
 * @param policy by the rules of HTTP alone.
 */
export function hlsPolicy(answer: HlsAnswer, toldMs: number | undefined, policy: Policy): Policy {
  const lifetimeMs = hlsLifetimeMs(answer, toldMs, policy.lifetimeMs);
  // A stale playlist freezes players, whatever its origin allows (RFC 5861).
  const stale = { staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
  return { ...policy, lifetimeMs, ...(answer.kind === "playlist" && stale) };
}

/**
 * Milliseconds for which an answer is fresh.
 * @param toldMs by the response; undefined: it says nothing.
 * @param otherwiseMs by the rules of HTTP alone.
 */
export function hlsLifetimeMs(
  answer: HlsAnswer,
  toldMs: number | undefined,
  otherwiseMs: number,
): number {
  const { kind, isBlocking, blockingMs, status, body } = answer;
  if (kind === "other") return otherwiseMs;
  if (status !== 200 && status !== 206)
    return Math.min(toldMs ?? NEGATIVE_FRESH_MS, NEGATIVE_FRESH_MS);
  const targetMs = kind === "playlist" && body ? targetDurationMs(body) : undefined;
  if (targetMs === undefined) return otherwiseMs;
  // A playlist that is served longer than half a segment makes players freeze; one that was waited for never changes.
  const waitedMs = blockingMs ?? BLOCKING_TARGETS * targetMs;
  const mostMs = isBlocking ? waitedMs : targetMs / 2;
  return Math.min(toldMs ?? mostMs, mostMs);
}

/** Of a media playlist; undefined for any other text. */
function targetDurationMs(body: Buffer): number | undefined {
  const match = /^#EXT-X-TARGETDURATION:(\d+)/m.exec(body.toString("latin1", 0, 1_024));
  return match ? Number(match[1]) * 1_000 : undefined;
}
