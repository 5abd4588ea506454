/** What a media playlist of low latency must be, by sections of draft-pantos-hls-rfc8216bis. */
import type { Part } from "@glassline/hls/low-latency";
import type { MediaPlaylist } from "@glassline/hls/playlist";

/** What is written has five digits behind the point of a second. */
const ROUNDING_MS = 0.02;

/** One line for each rule that a playlist breaks. */
export function brokenRules(playlist: MediaPlaylist): string[] {
  const { serverControl, lowLatency } = playlist;
  if (!serverControl || !lowLatency) return ["4.4.3.7: no parts"];
  return [...ofSegments(playlist), ...ofParts(playlist), ...ofServerControl(playlist)];
}

function ofSegments({ targetDurationMs, segments }: MediaPlaylist): string[] {
  const broken: string[] = [];
  const totalMs = segments.reduce((sum, { durationMs }) => sum + durationMs, 0);
  if (totalMs < 3 * targetDurationMs) broken.push("6.2.2: shorter than three target durations");
  segments.forEach(({ durationMs, sequence, discontinuitySequence }, at) => {
    const next = segments[at + 1];
    if (Math.round(durationMs / 1_000) * 1_000 > targetDurationMs)
      broken.push(`4.4.3.1: segment ${sequence} is above the target duration`);
    if (next && next.sequence !== sequence + 1) broken.push("4.4.3.2: numbers have a gap");
    if (next && next.discontinuitySequence - discontinuitySequence > 1)
      broken.push("4.4.3.3: discontinuities have a gap");
  });
  return broken;
}

function ofParts({ targetDurationMs, segments, lowLatency }: MediaPlaylist): string[] {
  const broken: string[] = [];
  const { partTargetMs, open, preloadHint } = lowLatency!;
  const check = (parts: readonly Part[], isWhole: boolean) =>
    parts.forEach(({ durationMs, independent, uri }, at) => {
      const mayBeShort = independent || (isWhole && at === parts.length - 1);
      if (durationMs > partTargetMs + ROUNDING_MS) broken.push(`4.4.4.9: ${uri} is too long`);
      if (!mayBeShort && durationMs < 0.85 * partTargetMs - ROUNDING_MS)
        broken.push(`4.4.4.9: ${uri} is too short`);
    });
  if (open) check(open.parts, false);
  let behindMs = lengthOf(open?.parts ?? []);
  for (const { parts, durationMs, sequence } of segments.toReversed()) {
    if (parts) check(parts, true);
    if (parts && Math.abs(lengthOf(parts) - durationMs) > parts.length * ROUNDING_MS)
      broken.push(`4.4.4.9: the parts of ${sequence} are not the segment`);
    if (parts && !parts[0]!.independent) broken.push(`4.4.2.1: ${sequence} has no keyframe first`);
    if (!parts && behindMs < 3 * targetDurationMs - ROUNDING_MS)
      broken.push(`6.2.2: the parts of ${sequence} are missing`);
    if (parts && behindMs > 3 * targetDurationMs + 1)
      broken.push(`6.2.2: the parts of ${sequence} are too far from the end`);
    behindMs += durationMs;
  }
  const named = [...segments, ...(open ? [open] : [])].flatMap(({ parts = [] }) => parts);
  if (preloadHint === undefined || named.some(({ uri }) => uri === preloadHint))
    broken.push("4.4.5.3: the hint is none, or of a part that is there");
  return broken;
}

function ofServerControl({ targetDurationMs, serverControl, lowLatency }: MediaPlaylist): string[] {
  const { canBlockReload, canSkipUntilMs = 0, holdBackMs = 0, partHoldBackMs = 0 } = serverControl!;
  const rules: [boolean, string][] = [
    [canBlockReload, "4.4.3.8: CAN-BLOCK-RELOAD"],
    [canSkipUntilMs >= 6 * targetDurationMs, "4.4.3.8: CAN-SKIP-UNTIL"],
    [holdBackMs >= 3 * targetDurationMs, "4.4.3.8: HOLD-BACK"],
    [partHoldBackMs >= 3 * lowLatency!.partTargetMs, "4.4.3.8: PART-HOLD-BACK"],
  ];
  return rules.flatMap(([holds, rule]) => (holds ? [] : [rule]));
}

function lengthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { durationMs }) => sum + durationMs, 0);
}
