/** What the query API answers, window by window, so that nothing is thinned. */
import { setTimeout as delay } from "node:timers/promises";

import { toRpcError } from "@glassline/proto/errors";
import { jsonClient } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";

import { METRIC } from "./counted-points.ts";
import type { Sender } from "./sender.ts";
import type { Tally } from "./tally.ts";

const POINTS_PER_QUERY = 150_000;
const QUERY_TIMEOUT_MS = 60_000;
const TRIES = 5;
const RETRY_MS = 100;

/** Sees points `first` to `last`, all of them acknowledged, in the tally. Rejects with RpcError. */
export async function seeQueried(
  adminPort: number,
  sender: Sender,
  first: number,
  last: number,
  tally: Tally,
): Promise<void> {
  const client = jsonClient(QueryService, `http://127.0.0.1:${adminPort}`);
  for (let from = first; from <= last; from += POINTS_PER_QUERY) {
    const to = Math.min(from + POINTS_PER_QUERY - 1, last);
    const { points } = sender;
    const request = {
      cameraId: points.cameraId,
      metric: METRIC,
      fromUnixNano: points.timeUnixNano(from),
      toUnixNano: points.timeUnixNano(to + 1),
    };
    const { series } = await insistently(() =>
      client.queryRange(request, AbortSignal.timeout(QUERY_TIMEOUT_MS)),
    );
    const found = series.flatMap(({ series: one, timeUnixNano, value }) =>
      value.map((number, at) =>
        points.pointOf(one!.attributes["lane"] ?? "", timeUnixNano[at]!, number),
      ),
    );
    for (const point of found.toSorted((a, b) => (a ?? 0) - (b ?? 0))) tally.see(point, sender);
  }
}

const AGAIN: ReadonlySet<string> = new Set(["unavailable", "deadline_exceeded"]);

/** A connection that was kept may be one of a collector that was killed, or be closed at this moment. */
async function insistently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!AGAIN.has(toRpcError(error).code) || tries === TRIES) throw error;
      await delay(RETRY_MS);
    }
  }
}
