import {
  type Deployment,
  DeploymentPhase,
  type DeploymentStep,
  StepState,
} from "@glassline/proto/opsbot";

import { compareNames } from "../format/order.ts";
import { counted } from "../format/plural.ts";
import { durationText } from "../format/quantity.ts";
import { ageText, millisecondsOf } from "../format/time.ts";

export type DeploymentPhaseName =
  | "failed"
  | "rolling-back"
  | "drifted"
  | "deploying"
  | "leaving"
  | "live";
export type StepStateName = "waiting" | "running" | "done" | "failed" | "skipped";

const PHASES: Readonly<Record<DeploymentPhase, DeploymentPhaseName>> = {
  [DeploymentPhase.UNSPECIFIED]: "deploying",
  [DeploymentPhase.DEPLOYING]: "deploying",
  [DeploymentPhase.LIVE]: "live",
  [DeploymentPhase.DRIFTED]: "drifted",
  [DeploymentPhase.ROLLING_BACK]: "rolling-back",
  [DeploymentPhase.FAILED]: "failed",
  [DeploymentPhase.LEAVING]: "leaving",
};
/** What a person should look at comes first. */
const ORDER: readonly DeploymentPhaseName[] = [
  "failed",
  "rolling-back",
  "drifted",
  "deploying",
  "leaving",
  "live",
];
const STEPS: Readonly<Record<StepState, StepStateName>> = {
  [StepState.UNSPECIFIED]: "waiting",
  [StepState.WAITING]: "waiting",
  [StepState.RUNNING]: "running",
  [StepState.DONE]: "done",
  [StepState.FAILED]: "failed",
  [StepState.SKIPPED]: "skipped",
};
/** What a step is for, where it says nothing of itself yet. */
const PURPOSES: Readonly<Record<string, string>> = {
  configuration: "network number and subnets",
  overlay: "tunnels between the nodes",
  containers: "edge caches and shields",
  monitoring: "hosts, services and checks",
  cache: "popular content, then a test load",
  clients: "profiles for iPhones",
};
const LONG_MS = 60_000;

export function deploymentPhase({ phase }: Deployment): DeploymentPhaseName {
  return PHASES[phase] ?? "deploying";
}

/** "rolling back" */
export function phaseText(phase: DeploymentPhaseName): string {
  return phase.replace("-", " ");
}

export function stepState({ state }: DeploymentStep): StepStateName {
  return STEPS[state] ?? "waiting";
}

/** What a step says, or what it is for. */
export function stepText(step: DeploymentStep): string {
  if (step.says !== "") return step.says;
  const purpose = PURPOSES[step.name] ?? "";
  return stepState(step) === "skipped" ? "not asked for" : purpose;
}

/** The address of a deployment's page. */
export function deploymentPath(channel: string): string {
  return `/deployments/${encodeURIComponent(channel)}`;
}

/** Those that need somebody first, then by name. */
export function sortedDeployments(deployments: readonly Deployment[]): Deployment[] {
  const rank = (one: Deployment) => ORDER.indexOf(deploymentPhase(one));
  return deployments.toSorted(
    (left, right) => rank(left) - rank(right) || compareNames(left.channel, right.channel),
  );
}

/** The page's answer to "is all as wished?", in one sentence. */
export function sentenceOf(deployments: readonly Deployment[]): string {
  const all = counted(deployments.length, "channel");
  const other = deployments.filter((one) => deploymentPhase(one) !== "live").length;
  if (other === 0) return `${all}, as wished.`;
  return `${all}; ${other} ${other === 1 ? "is" : "are"} not as wished, or not yet.`;
}

/** How many of them are ready: "2 of 3" */
export function edgesText({ edges }: Deployment): string {
  if (edges.length === 0) return "–";
  const ready = edges.filter((edge) => edge.ready).length;
  return `${ready} of ${edges.length}`;
}

/** Where a step lies in the time of all, as parts of it: for a bar. */
export interface StepSpan {
  step: DeploymentStep;
  /** Undefined: it has not begun. */
  span: { from: number; length: number } | undefined;
  /** "1.20 s", "4 s so far"; empty: it has not begun. */
  time: string;
}

/** @param nowMs by the servers' clock. */
export function stepSpans(steps: readonly DeploymentStep[], nowMs: number): StepSpan[] {
  const times = steps.map((step) => ({ step, ...timesOf(step, nowMs) }));
  const begun = times.filter(({ fromMs }) => fromMs > 0);
  const firstMs = Math.min(...begun.map(({ fromMs }) => fromMs));
  const wholeMs = Math.max(1, ...begun.map(({ toMs }) => toMs - firstMs));
  return times.map(({ step, fromMs, toMs }) => {
    if (fromMs === 0) return { step, span: undefined, time: "" };
    const span = { from: (fromMs - firstMs) / wholeMs, length: (toMs - fromMs) / wholeMs };
    const isOver = step.endedUnixNano > 0n;
    return { step, span, time: isOver ? spanText(toMs - fromMs) : soFarText(toMs - fromMs) };
  });
}

/** "6 of 6 steps in 3.40 s", "3 of 6 steps" */
export function progressText(steps: readonly DeploymentStep[]): string {
  const over = steps.filter((step) => ["done", "skipped"].includes(stepState(step)));
  const text = `${over.length} of ${counted(steps.length, "step")}`;
  const begun = steps.filter(({ beganUnixNano }) => beganUnixNano > 0n);
  if (over.length < steps.length || begun.length === 0) return text;
  const fromMs = Math.min(...begun.map(({ beganUnixNano }) => millisecondsOf(beganUnixNano)));
  const toMs = Math.max(...begun.map(({ endedUnixNano }) => millisecondsOf(endedUnixNano)));
  return `${text} in ${spanText(Math.max(0, toMs - fromMs))}`;
}

function timesOf({ beganUnixNano, endedUnixNano }: DeploymentStep, nowMs: number) {
  const fromMs = millisecondsOf(beganUnixNano);
  const toMs = endedUnixNano > 0n ? millisecondsOf(endedUnixNano) : nowMs;
  return { fromMs, toMs: Math.max(fromMs, toMs) };
}

const soFarText = (durationMs: number) => `${ageText(durationMs)} so far`;

function spanText(durationMs: number): string {
  return durationMs < LONG_MS ? durationText(durationMs) : ageText(durationMs);
}
