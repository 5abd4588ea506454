/** Where a test load fell short of what was expected, in words. Pure. */
import { counted } from "../words.ts";
import { Latencies } from "./latencies.ts";
import type { LoadCounts } from "./load-counts.ts";

export interface Slo {
  /** 0 to 1, at least. */
  hitRate: number;
  /** At most. */
  firstByteP99Ms: number;
  /** 0 to 1, at most. */
  errorShare: number;
  /** Of all players together, at most. */
  stalls: number;
}

export interface Figures {
  /** 0 to 1. */
  hitRate: number;
  firstByteP50Ms: number;
  firstByteP99Ms: number;
  /** 0 to 1. */
  errorShare: number;
}

export function figuresOf({ judged, hits, requests, errors, firstByte }: LoadCounts): Figures {
  const latencies = Latencies.from(firstByte);
  return {
    hitRate: judged === 0 ? 0 : hits / judged,
    firstByteP50Ms: latencies.quantile(0.5),
    firstByteP99Ms: latencies.quantile(0.99),
    errorShare: requests === 0 ? 0 : errors / requests,
  };
}

/** Of the load itself: then its times say little of the edges. */
const LATE_MS = 20;
const REASONS_SHOWN = 3;

export function shortfallsOf(counts: LoadCounts, players: number, slo: Slo): string[] {
  const { judged, requests, segments, idle, stalls, lateMs, firstByte } = counts;
  const { hitRate, firstByteP99Ms, errorShare } = figuresOf(counts);
  const said: string[] = [];
  if (segments === 0) said.push(`segments: got none, expected some${reasonsText(counts)}`);
  else if (idle > 0)
    said.push(`players: got ${idle} of ${players} that played nothing, expected none`);
  if (judged === 0) said.push("hit rate: got no answer that says how a cache came to it");
  else if (hitRate < slo.hitRate)
    said.push(`hit rate: got ${down(hitRate)}, expected at least ${percent(slo.hitRate)}`);
  if (firstByte.length > 0 && firstByteP99Ms > slo.firstByteP99Ms)
    said.push(
      `time to first byte (p99): got ${time(firstByteP99Ms)}, expected at most ${time(slo.firstByteP99Ms)}${lateText(lateMs)}`,
    );
  if (requests > 0 && errorShare > slo.errorShare)
    said.push(
      `errors: got ${up(errorShare)} of ${counted(requests, "request")}, expected at most ${percent(slo.errorShare)}${reasonsText(counts)}`,
    );
  if (stalls > slo.stalls)
    said.push(`stalls: got ${stalls}, expected at most ${slo.stalls}${lateText(lateMs)}`);
  return said;
}

/** " (edge-1: status 502, 12 times; ...)" */
function reasonsText({ reasons }: LoadCounts): string {
  const all = Object.entries(reasons).toSorted(([, a], [, b]) => b - a);
  if (all.length === 0) return "";
  const shown = all
    .slice(0, REASONS_SHOWN)
    .map(([reason, count]) => `${reason}, ${counted(count, "time")}`);
  const more = all.length > shown.length ? [`${all.length - shown.length} more reasons`] : [];
  return ` (${[...shown, ...more].join("; ")})`;
}

const lateText = (lateMs: number) =>
  lateMs > LATE_MS
    ? `; the load itself was late by ${time(lateMs)}: fewer players, or a machine of its own, would tell more`
    : "";

const TINY = 1e-9;
/** Rounded away from what was expected: "89.9 %" is below 90 %. */
const down = (share: number) => percent(Math.floor(share * 1_000 + TINY) / 1_000);
const up = (share: number) => percent(Math.ceil(share * 1_000 - TINY) / 1_000);
const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`;
const time = (ms: number) => `${Number(ms.toFixed(1))} ms`;
