/** Playlists as text. Source: https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis */
import type { MediaPlaylist } from "./playlist.ts";

/** 7: EXT-X-MAP in a playlist of ordinary segments (section 8). */
const VERSION = 7;

/**
 * A live media playlist. Every segment carries its program time, so that a player that joins anywhere knows the moment.
 * Each segment's `mapUri` is written where it changes and behind each discontinuity.
 */
export function writeMediaPlaylist({ targetDurationMs, segments, ended }: MediaPlaylist): string {
  const first = segments[0];
  const lines = [
    "#EXTM3U",
    `#EXT-X-VERSION:${VERSION}`,
    // The integer that no rounded EXTINF is above (section 4.4.3.1).
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(targetDurationMs / 1_000))}`,
    `#EXT-X-MEDIA-SEQUENCE:${first?.sequence ?? 0}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first?.discontinuitySequence ?? 0}`,
    "#EXT-X-INDEPENDENT-SEGMENTS",
  ];
  segments.forEach((segment, at) => {
    const before = segments[at - 1];
    const isBreak = before && before.discontinuitySequence !== segment.discontinuitySequence;
    if (isBreak) lines.push("#EXT-X-DISCONTINUITY");
    if (segment.mapUri && (isBreak || segment.mapUri !== before?.mapUri))
      lines.push(`#EXT-X-MAP:URI="${segment.mapUri}"`);
    if (segment.programTimeMs !== undefined)
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.programTimeMs).toISOString()}`);
    lines.push(`#EXTINF:${(segment.durationMs / 1_000).toFixed(5)},`, segment.uri);
  });
  if (ended) lines.push("#EXT-X-ENDLIST");
  return `${lines.join("\n")}\n`;
}

export interface VariantLine {
  uri: string;
  /** Peak bits a second. */
  bandwidth: number;
  averageBandwidth?: number | undefined;
  codecs?: string | undefined;
  width?: number | undefined;
  height?: number | undefined;
  frameRate?: number | undefined;
}

export function writeMultivariantPlaylist(variants: readonly VariantLine[]): string {
  const lines = variants.flatMap((variant) => [
    `#EXT-X-STREAM-INF:${variantAttributes(variant)}`,
    variant.uri,
  ]);
  return `${["#EXTM3U", `#EXT-X-VERSION:${VERSION}`, "#EXT-X-INDEPENDENT-SEGMENTS", ...lines].join("\n")}\n`;
}

function variantAttributes(variant: VariantLine): string {
  const { bandwidth, averageBandwidth, codecs, width, height, frameRate } = variant;
  return [
    `BANDWIDTH=${Math.ceil(bandwidth)}`,
    averageBandwidth && `AVERAGE-BANDWIDTH=${Math.ceil(averageBandwidth)}`,
    codecs && `CODECS="${codecs}"`,
    width && height && `RESOLUTION=${width}x${height}`,
    frameRate && `FRAME-RATE=${frameRate.toFixed(3)}`,
  ]
    .filter(Boolean)
    .join(",");
}
