import type { RpcError } from "@glassline/proto/errors";
import { useEffect, useMemo, useState } from "preact/hooks";

import type { RangeAnswer, RangeFeed } from "./range-feed.ts";
import type { TimeRange, TimeWindow } from "./time-window.ts";

interface WatchedRange {
  /** The newest answer, which may still be of the window before. */
  answer: RangeAnswer | undefined;
  /** What the axis shows: the chosen window at once, even before its data arrives. */
  range: TimeRange;
  pending: boolean;
  error: RpcError | undefined;
}

/** The data of a metric in a window, kept up to date while it is in view. */
export function useRange(
  feed: RangeFeed,
  metric: string,
  window: TimeWindow,
  inView: boolean,
): WatchedRange {
  const [answered, setAnswered] = useState<{ answer: RangeAnswer; window: TimeWindow }>();
  const [error, setError] = useState<RpcError>();
  useEffect(() => {
    if (!inView) return;
    const onAnswer = (answer: RangeAnswer): void => {
      setAnswered({ answer, window });
      setError(undefined);
    };
    return feed.watch(metric, onAnswer, setError);
  }, [inView, feed, metric, window]);
  const chosenRange = useMemo(() => feed.range(), [feed, window]);
  const current = answered?.window === window;
  return {
    answer: answered?.answer,
    range: current ? answered.answer : chosenRange,
    pending: inView && !current && !error,
    error,
  };
}
