/** Channels that are brought up and taken down on a stage, as the desk hears of them. */
import { toRpcError } from "@glassline/proto/errors";
import type { Deployment, OpsBotService } from "@glassline/proto/opsbot";
import { DeploymentPhase } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";

import { eventually } from "./testbed.ts";

type OpsBot = Client<typeof OpsBotService>;

const PATIENCE_MS = 300_000;

/** @returns why there is nothing to do, or nothing can be done: "nothing_to_do"; empty: it was begun. */
export async function askToDeploy(opsbot: OpsBot, description: string): Promise<string> {
  return ask(opsbot, { case: "deploy", value: { description } });
}

export async function askToDestroy(opsbot: OpsBot, channel: string): Promise<string> {
  return ask(opsbot, { case: "destroy", value: { channel } });
}

/** Without an end: only what people ask for is done. */
export async function pauseAutomation(opsbot: OpsBot): Promise<void> {
  const refusal = await ask(opsbot, { case: "pause", value: {} });
  if (refusal !== "") throw new Error(`pause: got ${refusal}, expected a pause`);
}

type Change = Parameters<OpsBot["plan"]>[0]["change"] & object;

/** What was planned may be otherwise when it is applied, as when another channel has got its ports: then it is planned anew. */
async function ask(opsbot: OpsBot, change: NonNullable<Change["change"]>): Promise<string> {
  for (;;) {
    const { result } = await opsbot.plan({ change: { change } });
    if (result.case === "refusal") return result.value.because;
    const { result: applied } = await opsbot.apply({ hash: result.value!.hash });
    if (applied.case !== "refusal") return "";
    if (applied.value.because !== "changed") return applied.value.because;
  }
}

/** @returns how long it took until it was live, ms. */
export async function bringUp(
  opsbot: OpsBot,
  channel: string,
  description: string,
): Promise<number> {
  const startMs = performance.now();
  const refusal = await askToDeploy(opsbot, description);
  if (refusal !== "") throw new Error(`${channel}: got ${refusal}, expected a plan`);
  const last = await eventually(
    `${channel} is live`,
    async () => {
      const deployment = await deploymentOf(opsbot, channel);
      const { phase } = deployment ?? {};
      return phase === DeploymentPhase.LIVE || phase === DeploymentPhase.FAILED
        ? deployment
        : undefined;
    },
    PATIENCE_MS,
  );
  if (last.phase === DeploymentPhase.FAILED) throw new Error(`${channel}: ${last.problem}`);
  return performance.now() - startMs;
}

/** @returns how long it took until nothing of it was known, and nothing was open, ms. */
export async function takeDown(opsbot: OpsBot, channel: string): Promise<number> {
  const startMs = performance.now();
  await askToDestroy(opsbot, channel);
  await eventually(
    `${channel} is gone`,
    async () => (await isGone(opsbot, channel)) || undefined,
    PATIENCE_MS,
  );
  return performance.now() - startMs;
}

export async function isGone(opsbot: OpsBot, channel: string): Promise<boolean> {
  if (await deploymentOf(opsbot, channel)) return false;
  return (await opsbot.getStatus({})).openIncidents === 0;
}

export async function deploymentOf(
  opsbot: OpsBot,
  channel: string,
): Promise<Deployment | undefined> {
  try {
    return (await opsbot.getDeployment({ channel })).deployment;
  } catch (error) {
    if (toRpcError(error).code === "not_found") return undefined;
    throw error;
  }
}
