import type { RpcError } from "@glassline/proto/errors";
import type { SeriesRange } from "@glassline/proto/query";

import { query } from "../api/clients.ts";
import { request } from "../api/polling.ts";
import { nanosecondsOf } from "../format/time.ts";
import type { TimeRange } from "./time-window.ts";

/** Points asked for a series; more would not be visible on a card. */
const POINTS_MAX = 300;
/** Requests under way at a time: the browser opens six connections, and the poll needs one. */
const REQUESTS_MAX = 3;
const TICK_MS = 120;

export interface RangeAnswer extends TimeRange {
  series: SeriesRange[];
}

interface Watch {
  metric: string;
  dueMs: number;
  busy: boolean;
  stop: AbortController;
  onAnswer(answer: RangeAnswer): void;
  onError(error: RpcError): void;
}

export interface RangeFeedOptions {
  cameraId: string;
  /** The stretch of time to ask for, at this moment. */
  range(): TimeRange;
  refreshMs(): number;
}

/** Fetches ranges for the charts in view, a few at a time, the longest overdue first. */
export interface RangeFeed {
  watch(metric: string, onAnswer: Watch["onAnswer"], onError: Watch["onError"]): () => void;
  /** The stretch of time that is asked for at present. */
  range(): TimeRange;
  close(): void;
}

export function createRangeFeed({ cameraId, range, refreshMs }: RangeFeedOptions): RangeFeed {
  const watches = new Set<Watch>();
  const stop = new AbortController();
  const fetchRange = async (watch: Watch): Promise<void> => {
    const { fromMs, toMs } = range();
    watch.busy = true;
    watch.dueMs = performance.now() + refreshMs();
    const bounds = { fromUnixNano: nanosecondsOf(fromMs), toUnixNano: nanosecondsOf(toMs) };
    const message = { cameraId, metric: watch.metric, maxPoints: POINTS_MAX, ...bounds };
    const wanted = (): boolean => watches.has(watch);
    const unwanted = AbortSignal.any([stop.signal, watch.stop.signal]);
    await request((signal) => query.queryRange(message, signal), unwanted).then(
      ({ series }) => wanted() && watch.onAnswer({ series, fromMs, toMs }),
      (error: RpcError) => wanted() && watch.onError(error),
    );
    watch.busy = false;
  };
  const tick = (): void => {
    if (document.hidden) return;
    const all = [...watches];
    const free = REQUESTS_MAX - all.filter(({ busy }) => busy).length;
    const due = all.filter(({ busy, dueMs }) => !busy && dueMs <= performance.now());
    due.sort((left, right) => left.dueMs - right.dueMs);
    for (const watch of due.slice(0, Math.max(0, free))) void fetchRange(watch);
  };
  const timer = window.setInterval(tick, TICK_MS);
  return {
    watch(metric, onAnswer, onError) {
      const watch = {
        metric,
        dueMs: 0,
        busy: false,
        stop: new AbortController(),
        onAnswer,
        onError,
      };
      watches.add(watch);
      return () => {
        watches.delete(watch);
        // What nobody waits for any more must not hold up what the page shows now.
        watch.stop.abort();
      };
    },
    range,
    close() {
      stop.abort();
      window.clearInterval(timer);
    },
  };
}
