/** What the system's ping prints (iputils). Pure. */

export interface PingSummary {
  /** Packets. */
  sent: number;
  received: number;
  /** The average; undefined: nothing came back. */
  roundTripMs: number | undefined;
  family: 4 | 6;
}

/** @returns undefined: it ended before anything was sent. */
export function parsePing(stdout: string): PingSummary | undefined {
  const [, sent, received] =
    /^(\d+) packets transmitted, (\d+) (?:packets )?received/m.exec(stdout) ?? [];
  if (sent === undefined) return undefined;
  const [, average] =
    /^(?:rtt|round-trip) min\/avg\/max[^=]*= [\d.]+\/([\d.]+)\//m.exec(stdout) ?? [];
  return {
    sent: Number(sent),
    received: Math.min(Number(sent), Number(received)),
    roundTripMs: average === undefined ? undefined : Number(average),
    family: /^PING [^(]*\([^)]*:[^)]*\)/m.test(stdout) ? 6 : 4,
  };
}

/** The size that the way is said to have (RFC 1191), in ping's words. */
export function mtuHint(output: string): number | undefined {
  const [, hint] = /\bmtu ?= ?(\d{2,5})\b/.exec(output) ?? [];
  return hint === undefined ? undefined : Number(hint);
}

/** What ping says of a peer that cannot be reached: it is the peer's or the way's fault, not this program's. */
export function unreachableReason(stderr: string): string | undefined {
  const reasons =
    /Name or service not known|No address associated with hostname|Temporary failure in name resolution|Network is unreachable|No route to host|unknown host/i;
  return reasons.exec(stderr)?.[0];
}

/** Bytes of IP and ICMP headers, without options. */
export const HEADER_BYTES = { 4: 28, 6: 48 } as const;
