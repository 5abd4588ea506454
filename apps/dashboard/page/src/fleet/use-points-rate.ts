import type { GetStatusResponse } from "@glassline/proto/query";
import { useRef } from "preact/hooks";

import type { Polled } from "../api/use-poll.ts";

/** One minute at a poll a second. */
const RATE_SLOTS = 60;
/** The rate is taken over this many polls, so that it does not jump with each batch. */
const SPAN_POLLS = 5;

interface Reading {
  pointsStored: number;
  receivedMs: number;
}

/** Points made durable a second, oldest first; empty until two answers are there. */
export function usePointsRate(status: Polled<GetStatusResponse>): number[] {
  const readings = useRef<Reading[]>([]);
  const rates = useRef<number[]>([]);
  const { data, receivedMs } = status;
  const last = readings.current.at(-1);
  if (data && receivedMs !== undefined && receivedMs !== last?.receivedMs) {
    const reading = { pointsStored: Number(data.pointsStored), receivedMs };
    // A collector that started anew counts from zero again.
    if (last && reading.pointsStored < last.pointsStored) readings.current = [];
    readings.current = [...readings.current, reading].slice(-SPAN_POLLS);
    const rate = rateOf(readings.current);
    if (rate !== undefined) rates.current = [...rates.current, rate].slice(-RATE_SLOTS);
  }
  return rates.current;
}

function rateOf(readings: readonly Reading[]): number | undefined {
  const first = readings[0]!;
  const last = readings.at(-1)!;
  const elapsedMs = last.receivedMs - first.receivedMs;
  return elapsedMs > 0 ? ((last.pointsStored - first.pointsStored) * 1_000) / elapsedMs : undefined;
}
