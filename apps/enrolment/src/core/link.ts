/** Whether an enrolment link can still be used. Pure. */

/** After its use, the page that used it gets the profile again for so long. */
export const AGAIN_MS = 600_000;

export interface LinkState {
  expiresMs: number;
  /** Undefined: nobody has used it. */
  usedMs: number | undefined;
  isDeviceRevoked: boolean;
  /** It is asked for by the page that used it. */
  isSamePage: boolean;
}

export type LinkStanding = "open" | "again" | "used" | "expired" | "revoked";

export function standingOf(link: LinkState, nowMs: number): LinkStanding {
  if (link.isDeviceRevoked) return "revoked";
  if (link.usedMs === undefined) return nowMs < link.expiresMs ? "open" : "expired";
  return link.isSamePage && nowMs < link.usedMs + AGAIN_MS ? "again" : "used";
}
