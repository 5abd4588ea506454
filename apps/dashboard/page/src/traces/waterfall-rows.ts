import type { GetTraceResponse, Hop } from "@glassline/proto/query";

import { durationText } from "../format/quantity.ts";

/** A hop with its place on the time axis of its trace, in parts of the whole (0 to 1). */
export interface WaterfallRow {
  hop: Hop;
  from: number;
  length: number;
  startMs: number;
  durationMs: number;
  /** Which of the trace's services it belongs to; colours repeat after eight. */
  serviceIndex: number;
}

const COLLECTOR = "collector";

/** Milliseconds of a span of nanoseconds. */
export function elapsedMs(fromNano: bigint, toNano: bigint): number {
  return Number(toNano - fromNano) / 1e6;
}

/** The hops of a trace in order of start, and the time from the first start to the last end. */
export function waterfallOf({ hops }: GetTraceResponse): { rows: WaterfallRow[]; totalMs: number } {
  const ordered = hops.toSorted((left, right) => Number(left.startUnixNano - right.startUnixNano));
  const first = ordered[0];
  if (!first) return { rows: [], totalMs: 0 };
  const lastNano = ordered.reduce(
    (last, { endUnixNano }) => (endUnixNano > last ? endUnixNano : last),
    0n,
  );
  const totalMs = elapsedMs(first.startUnixNano, lastNano);
  const services = [...new Set(ordered.map(({ service }) => service))];
  const rows = ordered.map((hop): WaterfallRow => {
    const startMs = elapsedMs(first.startUnixNano, hop.startUnixNano);
    const durationMs = elapsedMs(hop.startUnixNano, hop.endUnixNano);
    return {
      hop,
      startMs,
      durationMs,
      from: totalMs > 0 ? startMs / totalMs : 0,
      length: totalMs > 0 ? durationMs / totalMs : 1,
      serviceIndex: services.indexOf(hop.service),
    };
  });
  return { rows, totalMs };
}

/** The trace in one sentence. */
export function sentenceOf(trace: GetTraceResponse): string {
  const { rows, totalMs } = waterfallOf(trace);
  const services = [...new Set(rows.map(({ hop }) => hop.service))];
  const last = services.at(-1);
  if (last === undefined) return "No hop of this trace has arrived yet.";
  const end = services.includes(COLLECTOR) ? "durable" : last;
  const processes = new Set(rows.map(({ hop }) => hop.instance || hop.service)).size;
  const over = `${processes} ${processes === 1 ? "process" : "processes"}`;
  const way = trace.summary?.cameraId ? `From lens to ${end} in` : "It took";
  return `${way} ${durationText(totalMs)} over ${over}.`;
}

/** Where the time went: the hop that took longest. */
export function longestOf(rows: readonly WaterfallRow[]): WaterfallRow | undefined {
  return rows.toSorted((left, right) => right.durationMs - left.durationMs)[0];
}
