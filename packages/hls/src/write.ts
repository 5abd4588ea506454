/** Playlists as text. Source: https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis */
import type { ByteRange } from "./byte-range.ts";
import { byteRangeText } from "./byte-range.ts";
import type {
  LowLatency,
  OpenSegment,
  Part,
  RenditionReport,
  ServerControl,
} from "./low-latency.ts";
import type { MediaPlaylist, Segment } from "./playlist.ts";

/** 7: EXT-X-MAP in a playlist of ordinary segments (section 8). */
const VERSION = 7;
/** 9: EXT-X-SKIP (section 8); also of the whole playlist that a delta update belongs to. */
const VERSION_OF_DELTAS = 9;

/**
 * A live media playlist. Every segment carries its program time, so that a player that joins anywhere knows the moment.
 * Each segment's `mapUri` is written where it changes and behind each discontinuity.
 * @param skip so many of the oldest segments are left out: a delta update (section 6.2.5.1). See skippableSegments.
 */
export function writeMediaPlaylist(playlist: MediaPlaylist, skip = 0): string {
  const { segments, ended, lowLatency } = playlist;
  const lines = headLines(playlist);
  if (skip > 0) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skip}`);
  for (let at = skip; at < segments.length; at++) {
    const segment = segments[at]!;
    // Tags of a segment stand before its first part (section 4.4.4.9).
    lines.push(...segmentTags(segment, segments[at - 1]), ...(segment.parts ?? []).map(partLine));
    lines.push(`#EXTINF:${(segment.durationMs / 1_000).toFixed(5)},`);
    if (segment.byteRange) lines.push(`#EXT-X-BYTERANGE:${byteRangeText(segment.byteRange)}`);
    lines.push(segment.uri);
  }
  if (lowLatency?.open) {
    const { open } = lowLatency;
    lines.push(...segmentTags(open, segments.at(-1)), ...open.parts.map(partLine));
  }
  if (lowLatency?.preloadHint) lines.push(hintLine(lowLatency.preloadHint, lowLatency));
  lines.push(...(lowLatency?.renditionReports ?? []).map(reportLine));
  if (ended) lines.push("#EXT-X-ENDLIST");
  return `${lines.join("\n")}\n`;
}

function headLines({
  targetDurationMs,
  segments: [first],
  serverControl,
  lowLatency,
}: MediaPlaylist): string[] {
  const canSkip = serverControl?.canSkipUntilMs !== undefined;
  return [
    "#EXTM3U",
    `#EXT-X-VERSION:${canSkip ? VERSION_OF_DELTAS : VERSION}`,
    // The integer that no rounded EXTINF is above (section 4.4.3.1).
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(targetDurationMs / 1_000))}`,
    ...(serverControl ? [`#EXT-X-SERVER-CONTROL:${controlAttributes(serverControl)}`] : []),
    ...(lowLatency ? [`#EXT-X-PART-INF:PART-TARGET=${seconds(lowLatency.partTargetMs)}`] : []),
    `#EXT-X-MEDIA-SEQUENCE:${first?.sequence ?? 0}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first?.discontinuitySequence ?? 0}`,
    "#EXT-X-INDEPENDENT-SEGMENTS",
  ];
}

/** What stands before a segment, or before its parts when it is not whole yet. */
function segmentTags(segment: Segment | OpenSegment, before: Segment | undefined): string[] {
  const isBreak = before && before.discontinuitySequence !== segment.discontinuitySequence;
  const lines = isBreak ? ["#EXT-X-DISCONTINUITY"] : [];
  const map = mapLine(segment);
  if (map && (isBreak || !before || map !== mapLine(before))) lines.push(map);
  if (segment.programTimeMs !== undefined)
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.programTimeMs).toISOString()}`);
  return lines;
}

function mapLine({ mapUri, mapByteRange }: Segment | OpenSegment): string | undefined {
  return mapUri && `#EXT-X-MAP:URI="${mapUri}"${rangeAttribute(mapByteRange)}`;
}

const rangeAttribute = (byteRange: ByteRange | undefined): string =>
  byteRange ? `,BYTERANGE="${byteRangeText(byteRange)}"` : "";

function partLine({ uri, durationMs, independent, byteRange }: Part): string {
  const duration = (durationMs / 1_000).toFixed(5);
  const more = `${independent ? ",INDEPENDENT=YES" : ""}${rangeAttribute(byteRange)}`;
  return `#EXT-X-PART:DURATION=${duration},URI="${uri}"${more}`;
}

function hintLine(uri: string, { preloadHintRange }: LowLatency): string {
  const { offset, length } = preloadHintRange ?? {};
  const start = offset === undefined ? "" : `,BYTERANGE-START=${offset}`;
  const long = length === undefined ? "" : `,BYTERANGE-LENGTH=${length}`;
  return `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${uri}"${start}${long}`;
}

function reportLine({ uri, lastSequence, lastPart }: RenditionReport): string {
  const part = lastPart === undefined ? "" : `,LAST-PART=${lastPart}`;
  return `#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${lastSequence}${part}`;
}

function controlAttributes(control: ServerControl): string {
  const { canBlockReload, canSkipUntilMs, holdBackMs, partHoldBackMs } = control;
  return [
    canBlockReload && "CAN-BLOCK-RELOAD=YES",
    canSkipUntilMs !== undefined && `CAN-SKIP-UNTIL=${seconds(canSkipUntilMs)}`,
    holdBackMs !== undefined && `HOLD-BACK=${seconds(holdBackMs)}`,
    partHoldBackMs !== undefined && `PART-HOLD-BACK=${seconds(partHoldBackMs)}`,
  ]
    .filter(Boolean)
    .join(",");
}

/** Without zeros behind the point. */
function seconds(lengthMs: number): string {
  return String(Number((lengthMs / 1_000).toFixed(5)));
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
