import { type Check, CheckState } from "@glassline/proto/opsbot";

import { compareNames } from "../format/order.ts";

export type CheckStateName = "ok" | "warning" | "critical" | "unknown";

const NAMES: Readonly<Record<CheckState, CheckStateName>> = {
  [CheckState.UNSPECIFIED]: "unknown",
  [CheckState.OK]: "ok",
  [CheckState.WARNING]: "warning",
  [CheckState.CRITICAL]: "critical",
  [CheckState.UNKNOWN]: "unknown",
};
const URGENCY: Readonly<Record<CheckStateName, number>> = {
  critical: 0,
  unknown: 1,
  warning: 2,
  ok: 3,
};

export function checkStateName(state: CheckState): CheckStateName {
  return NAMES[state] ?? "unknown";
}

/** Problems first, those that are believed before those that are looked at again; then by name. */
export function sortedChecks(checks: readonly Check[]): Check[] {
  return checks.toSorted(
    (left, right) =>
      URGENCY[checkStateName(left.state)] - URGENCY[checkStateName(right.state)] ||
      Number(right.hard) - Number(left.hard) ||
      compareNames(`${left.object} ${left.check}`, `${right.object} ${right.check}`),
  );
}

/** "hard", or how often it has been looked at: "soft, 2 of 3". */
export function certaintyText({ hard, attempt, maxAttempts }: Check): string {
  return hard ? "hard" : `soft, ${attempt} of ${maxAttempts}`;
}
