/** What every answer to phones says of itself: nothing from elsewhere, no framing, no copies, no address of it told to others. */

export function securityHeaders(isOverTls: boolean): Record<string, string> {
  return {
    "cache-control": "no-store",
    // Not no-referrer: browsers would then hide the form's origin, which is checked. Of addresses only their origin is told.
    "referrer-policy": "strict-origin",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    ...(isOverTls && { "strict-transport-security": "max-age=31536000" }),
  };
}

const NOTHING_ELSE = ["base-uri 'none'", "frame-ancestors 'none'"];

/** Of pages without scripts. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src data:",
  "form-action 'self'",
  ...NOTHING_ELSE,
].join("; ");

/** Of the page that plays. @param edges their origins; the player shows what it fetched from memory (blob:). */
export function watchPolicy(edges: readonly string[]): string {
  const origins = [...new Set(edges.map((url) => new URL(url).origin))].join(" ");
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${origins}`,
    `media-src blob: ${origins}`,
    "form-action 'none'",
    ...NOTHING_ELSE,
  ].join("; ");
}
