import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  DeploymentPhase,
  DeploymentSchema,
  DeploymentStepSchema,
  StepState,
} from "@glassline/proto/opsbot";
import { expect, test } from "vitest";

import {
  deploymentPath,
  deploymentPhase,
  edgesText,
  phaseText,
  progressText,
  sentenceOf,
  sortedDeployments,
  stepSpans,
  stepState,
  stepText,
} from "./deployments.ts";

const deployment = (init: MessageInitShape<typeof DeploymentSchema>) =>
  create(DeploymentSchema, init);
const step = (init: MessageInitShape<typeof DeploymentStepSchema>) =>
  create(DeploymentStepSchema, init);
const nano = (ms: number) => BigInt(ms) * 1_000_000n;

test("what needs somebody comes first, then names in their order", () => {
  const sorted = sortedDeployments([
    deployment({ channel: "cam-10", phase: DeploymentPhase.LIVE }),
    deployment({ channel: "cam-2", phase: DeploymentPhase.LIVE }),
    deployment({ channel: "cam-3", phase: DeploymentPhase.DEPLOYING }),
    deployment({ channel: "cam-4", phase: DeploymentPhase.DRIFTED }),
    deployment({ channel: "cam-5", phase: DeploymentPhase.FAILED }),
  ]);
  const names = sorted.map(({ channel }) => channel);
  expect(names).toEqual(["cam-5", "cam-4", "cam-3", "cam-2", "cam-10"]);
});

test("a sentence says whether all is as wished", () => {
  const live = deployment({ phase: DeploymentPhase.LIVE });
  const leaving = deployment({ phase: DeploymentPhase.LEAVING });
  expect(sentenceOf([live])).toBe("1 channel, as wished.");
  expect(sentenceOf([live, leaving])).toBe("2 channels; 1 is not as wished, or not yet.");
  expect(sentenceOf([leaving, leaving])).toBe("2 channels; 2 are not as wished, or not yet.");
});

test("a phase is said in words, and one from the future is none of the quiet ones", () => {
  const back = deploymentPhase(deployment({ phase: DeploymentPhase.ROLLING_BACK }));
  expect(phaseText(back)).toBe("rolling back");
  expect(deploymentPhase(deployment({ phase: 99 as DeploymentPhase }))).toBe("deploying");
  expect(stepState(step({ state: 99 as StepState }))).toBe("waiting");
});

test("edges say how many of them are ready", () => {
  expect(edgesText(deployment({}))).toBe("–");
  expect(edgesText(deployment({ edges: [{ ready: true }, {}, { ready: true }] }))).toBe("2 of 3");
});

test("a channel's name may have anything in it", () => {
  expect(deploymentPath("news/HD 1?")).toBe("/deployments/news%2FHD%201%3F");
});

test("a step says what it says, or what it is for", () => {
  const overlay = { name: "overlay", state: StepState.WAITING };
  expect(stepText(step({ ...overlay, says: "3 tunnels" }))).toBe("3 tunnels");
  expect(stepText(step(overlay))).toBe("tunnels between the nodes");
  expect(stepText(step({ ...overlay, state: StepState.SKIPPED }))).toBe("not asked for");
  expect(stepText(step({ name: "moon" }))).toBe("");
});

const DONE = { state: StepState.DONE };
const STEPS = [
  step({ ...DONE, number: 1, beganUnixNano: nano(10_000), endedUnixNano: nano(10_500) }),
  step({ number: 2, state: StepState.SKIPPED }),
  step({ number: 3, state: StepState.RUNNING, beganUnixNano: nano(10_500) }),
  step({ number: 4, state: StepState.WAITING }),
];

test("steps lie where they took place, and one that runs ends now", () => {
  const spans = stepSpans(STEPS, 12_000);
  expect(spans.map(({ span }) => span)).toEqual([
    { from: 0, length: 0.25 },
    undefined,
    { from: 0.25, length: 0.75 },
    undefined,
  ]);
  expect(spans.map(({ time }) => time)).toEqual(["500 ms", "", "1 s so far", ""]);
});

test("a clock that is behind makes no step shorter than nothing", () => {
  expect(stepSpans(STEPS, 10_200)[2]).toMatchObject({ span: { length: 0 }, time: "0 s so far" });
  expect(stepSpans([], 0)).toEqual([]);
});

test("progress counts what is over, and says how long all of it took", () => {
  expect(progressText(STEPS)).toBe("2 of 4 steps");
  const last = step({ ...DONE, beganUnixNano: nano(10_500), endedUnixNano: nano(13_400) });
  expect(progressText([...STEPS.slice(0, 2), last])).toBe("3 of 3 steps in 3.40 s");
});
