/** How well a replica of the collector takes in what comes. Pure. */
import type { GetStatusResponse } from "@glassline/proto/query";

import type { Limits } from "../range.ts";
import { stateOf, upTo } from "../range.ts";
import type { Verdict } from "../verdict.ts";
import { counted } from "../words.ts";

/** Milliseconds in which what comes is not stored. */
export const NOT_STORED: Limits = { warning: upTo(5_000), critical: upTo(15_000) };

type Status = Pick<GetStatusResponse, "notStoredMs" | "pointsStored" | "producers">;

export function judgeIngestion(
  { notStoredMs, pointsStored, producers }: Status,
  limits: Limits = NOT_STORED,
): Verdict {
  const value = Number(notStoredMs);
  const connected = producers.filter((producer) => producer.connected).length;
  const state = stateOf(value, limits);
  return {
    state,
    output:
      state === "ok"
        ? `${counted(Number(pointsStored), "point")} stored of ${counted(connected, "producer")}`
        : `what comes has not been stored for ${(value / 1_000).toFixed(1)} s`,
    measures: [
      { label: "not_stored", value, unit: "ms", limits, min: 0 },
      { label: "points_stored", value: Number(pointsStored), unit: "c", min: 0 },
      { label: "producers", value: connected, unit: "", min: 0 },
    ],
  };
}
