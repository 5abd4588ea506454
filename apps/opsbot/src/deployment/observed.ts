/** What of a channel is otherwise than wished, as far as that can be seen. */
import { readDescription } from "../core/deployment/read-description.ts";
import type { Look } from "../machines.ts";
import type { Deployment } from "../stores/deployments.ts";
import type { DeploymentParts, Observed } from "./parts.ts";
import { STEPS } from "./steps/all.ts";

/** For people. Of machines that do not answer nothing is said. Rejects when it cannot be seen. */
export async function lackingOf(
  deployment: Deployment,
  parts: DeploymentParts,
  look: Look,
): Promise<string[]> {
  const description = readDescription(deployment.description);
  const seen: Observed = { deployment, description, parts };
  const lacking = await Promise.all(STEPS.map((step) => step.lacks(seen, look)));
  return lacking.flat();
}
