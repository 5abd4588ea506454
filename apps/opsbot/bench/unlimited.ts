/** Flags of an OpsBot that nothing holds back: measured is how soon something is done, and not how often it may be. */
export const UNLIMITED = {
  "budget-target": 1_000_000,
  "budget-runbook": 1_000_000,
  "budget-domain": 1_000_000,
  "budget-global": 1_000_000,
  "disruption-window": "0ms",
  "cool-down": "0ms",
  "flap-problems": 1_000,
  "storm-least": 1_000_000,
} as const;
