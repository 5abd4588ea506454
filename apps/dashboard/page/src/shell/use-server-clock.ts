import { millisecondsOf } from "../format/time.ts";
import { useOverview } from "./overview.ts";

/** Answers take their time: clocks that differ by less are taken for equal. */
const TOLERANCE_MS = 2_000;

/** Unix ms by the servers' clock, for what must be compared with times that they gave. */
export function useServerClock(): () => number {
  const { data, receivedMs } = useOverview();
  const aheadMs = data && receivedMs ? millisecondsOf(data.nowUnixNano) - receivedMs : 0;
  return Math.abs(aheadMs) < TOLERANCE_MS ? Date.now : () => Date.now() + aheadMs;
}
