/** The six steps of a deployment. Pure. */
export const STEP_NAMES = [
  "configuration",
  "overlay",
  "containers",
  "monitoring",
  "cache",
  "clients",
] as const;

export type StepName = (typeof STEP_NAMES)[number];

export type StepState = "waiting" | "running" | "done" | "failed" | "skipped";
