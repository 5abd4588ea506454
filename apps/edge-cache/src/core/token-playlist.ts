/**
 * Playlists whose addresses carry the token of whoever reads them, and are the same for all: the player puts in the token from the
 * playlist's own address (EXT-X-DEFINE with QUERYPARAM). Pure. Source: draft-pantos-hls-rfc8216bis sections 4.3 and 4.4.2.3.
 */
import { mapUris } from "@glassline/hls/uris";

import { TOKEN_PARAMETER } from "./token-query.ts";

/** Section 8: QUERYPARAM. */
const VERSION = 11;
const VARIABLE = `${TOKEN_PARAMETER}={$${TOKEN_PARAMETER}}`;
const DEFINITION = `#EXT-X-DEFINE:QUERYPARAM="${TOKEN_PARAMETER}"`;

/** @param mayHave whether what is behind an address may see the token. */
export function withTokenVariable(text: string, mayHave: (uri: string) => boolean): string {
  if (!text.startsWith("#EXTM3U") || text.includes(DEFINITION)) return text;
  const [first = "", ...rest] = text.split("\n");
  const version = Number(/^#EXT-X-VERSION:\s*(\d+)/m.exec(text)?.[1] ?? 1);
  const lines = rest
    .filter((line) => !line.startsWith("#EXT-X-VERSION:"))
    .map((line) =>
      // Steering asks for no token.
      line.startsWith("#EXT-X-CONTENT-STEERING:")
        ? line
        : mapUris(line, (uri) => (mayHave(uri) ? withVariable(uri) : uri)),
    );
  return [first, `#EXT-X-VERSION:${Math.max(VERSION, version)}`, DEFINITION, ...lines].join("\n");
}

function withVariable(uri: string): string {
  const [address = "", ...fragment] = uri.split("#");
  const joint = address.includes("?") ? "&" : "?";
  return [`${address}${joint}${VARIABLE}`, ...fragment].join("#");
}
