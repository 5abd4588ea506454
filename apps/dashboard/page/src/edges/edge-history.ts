import type { Edge } from "@glassline/proto/dashboard";

import { hitRatio, requestCount } from "./traffic.ts";

/** Two minutes at a poll a second. */
const SLOTS = 120;
/** Rates are taken over this many polls, so that they do not jump with each playlist. */
const SPAN_POLLS = 5;

interface Reading {
  timeMs: number;
  requests: number;
  sentBytes: number;
}

interface Track {
  startedUnixNano: bigint;
  readings: Reading[];
  hitRatios: number[];
}

/** What an edge does a second, and how its hit ratio went. */
export interface EdgeTrend {
  /** Undefined until two answers of the same life of the edge are there. */
  requestsPerSecond: number | undefined;
  sentBytesPerSecond: number | undefined;
  /** Of the last minute each, oldest first, in percent. */
  hitRatios: readonly number[];
}

/** Remembers what edges told, as long as the page is open. */
export interface EdgeHistory {
  /** @param receivedMs when the answer came, of any clock that only goes forward. */
  record(edges: readonly Edge[], receivedMs: number): void;
  trendOf(name: string): EdgeTrend;
}

const NO_TREND: EdgeTrend = {
  requestsPerSecond: undefined,
  sentBytesPerSecond: undefined,
  hitRatios: [],
};

export function createEdgeHistory(): EdgeHistory {
  const tracks = new Map<string, Track>();
  let lastMs: number | undefined;
  return {
    record(edges, receivedMs) {
      if (receivedMs === lastMs) return;
      lastMs = receivedMs;
      for (const edge of edges)
        tracks.set(edge.name, extended(tracks.get(edge.name), edge, receivedMs));
    },
    trendOf(name) {
      const track = tracks.get(name);
      return track ? trendOf(track) : NO_TREND;
    },
  };
}

function extended(before: Track | undefined, { status }: Edge, timeMs: number): Track {
  const hitRatios = before?.hitRatios ?? [];
  // An edge that is away does nothing a second; what it did before is no rate any more.
  if (!status?.total) return { startedUnixNano: 0n, readings: [], hitRatios };
  const { startedUnixNano, total, recent } = status;
  const kept = before?.startedUnixNano === startedUnixNano ? before.readings : [];
  const reading = { timeMs, requests: requestCount(total), sentBytes: Number(total.sentBytes) };
  const ratio = hitRatio([recent]);
  return {
    startedUnixNano,
    readings: [...kept, reading].slice(-SPAN_POLLS),
    hitRatios: ratio === undefined ? hitRatios : [...hitRatios, ratio * 100].slice(-SLOTS),
  };
}

function trendOf({ readings, hitRatios }: Track): EdgeTrend {
  const first = readings[0];
  const last = readings.at(-1);
  const elapsedS = first && last ? (last.timeMs - first.timeMs) / 1_000 : 0;
  if (!first || !last || elapsedS <= 0) return { ...NO_TREND, hitRatios };
  return {
    requestsPerSecond: (last.requests - first.requests) / elapsedS,
    sentBytesPerSecond: (last.sentBytes - first.sentBytes) / elapsedS,
    hitRatios,
  };
}
