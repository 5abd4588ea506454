/** Deployments as messages and back. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Deployment as DeploymentMessage, DeploymentSchema } from "@glassline/proto/opsbot";
import { DeploymentPhase as WirePhase, StepState as WireStep } from "@glassline/proto/opsbot";

import { wordOf } from "./api-rows.ts";
import type { StepName, StepState } from "./core/deployment/steps.ts";
import { STEP_NAMES } from "./core/deployment/steps.ts";
import type { DeploymentView } from "./desk.ts";
import type { DeploymentPhase } from "./stores/deployments.ts";

const PHASES: Readonly<Record<DeploymentPhase, WirePhase>> = {
  deploying: WirePhase.DEPLOYING,
  live: WirePhase.LIVE,
  drifted: WirePhase.DRIFTED,
  rolling_back: WirePhase.ROLLING_BACK,
  failed: WirePhase.FAILED,
  leaving: WirePhase.LEAVING,
};

const STEP_STATES: Readonly<Record<StepState, WireStep>> = {
  waiting: WireStep.WAITING,
  running: WireStep.RUNNING,
  done: WireStep.DONE,
  failed: WireStep.FAILED,
  skipped: WireStep.SKIPPED,
};

export function deploymentMessage({
  phase,
  incident,
  report,
  steps,
  edges,
  subnets,
  ...rest
}: DeploymentView): MessageInitShape<typeof DeploymentSchema> {
  return {
    ...rest,
    phase: PHASES[phase],
    incidentId: BigInt(incident),
    subnets: [...subnets],
    edges: edges.map(({ isReady, ...edge }) => ({ ...edge, ready: isReady })),
    steps: steps.map(({ name, state, ...step }) => ({
      ...step,
      name,
      number: STEP_NAMES.indexOf(name) + 1,
      state: STEP_STATES[state],
    })),
    ...(report && { validation: report }),
  };
}

/** Throws RpcError for what only newer programs know. */
export function deploymentOf(message: DeploymentMessage): DeploymentView {
  const { channel, tenant, revision, sinceUnixNano, problem, description, vni, subnets } = message;
  return {
    ...{ channel, tenant, revision, sinceUnixNano, problem, description, vni, subnets },
    phase: wordOf(PHASES, message.phase),
    incident: Number(message.incidentId),
    report: message.validation,
    steps: message.steps.map(({ name, state, says, beganUnixNano, endedUnixNano }) => ({
      name: name as StepName,
      state: wordOf(STEP_STATES, state),
      ...{ says, beganUnixNano, endedUnixNano },
    })),
    edges: message.edges.map(({ name, machine, role, publicUrl, ready }) => ({
      ...{ name, machine, publicUrl },
      role: role === "shield" ? "shield" : "edge",
      isReady: ready,
    })),
  };
}
