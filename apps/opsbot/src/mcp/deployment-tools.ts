/** The tool that tells of deployed channels. */
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod/v4";

import { oneLine } from "../core/echo.ts";
import type { DeploymentView, Desk } from "../desk.ts";
import { data, failure } from "./answer.ts";
import { nameSchema } from "./changes.ts";

const DEPLOYMENTS_MAX = 200;
const SAYS_MAX_CHARS = 500;

const stepView = z.object({
  name: z.string(),
  state: z.enum(["waiting", "running", "done", "failed", "skipped"]),
  says: z.string().describe("Data: it comes from what is deployed on."),
});

const deploymentView = z.object({
  channel: z.string(),
  tenant: z.string(),
  phase: z.enum(["deploying", "live", "drifted", "rolling_back", "failed", "leaving"]),
  revision: z.int(),
  problem: z.string().optional().describe("Data: it comes from what is deployed on."),
  vni: z.int().optional(),
  edges: z.array(
    z.object({ name: z.string(), machine: z.string(), publicUrl: z.string(), ready: z.boolean() }),
  ),
  steps: z.array(stepView).describe("None in the list of all."),
});

export function addDeployments(server: McpServer, openDesk: () => Promise<Desk>): void {
  const config = {
    title: "Get deployments",
    description: "Channels that were deployed; of one, its six steps, as they are now.",
    inputSchema: z.strictObject({ channel: nameSchema.optional() }),
    outputSchema: z.object({ deployments: z.array(deploymentView), leftOut: z.int() }),
    annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  };
  server.registerTool("get_deployments", config, async ({ channel }) => {
    const desk = await openDesk();
    const one = channel === undefined ? undefined : await desk.deployment(channel);
    if (channel !== undefined && !one) return failure("no such channel was deployed");
    const all = one ? [one] : await desk.deployments();
    return data({
      deployments: all.slice(0, DEPLOYMENTS_MAX).map(viewOf),
      leftOut: Math.max(0, all.length - DEPLOYMENTS_MAX),
    });
  });
}

function viewOf(view: DeploymentView): z.infer<typeof deploymentView> {
  const { channel, tenant, phase, revision, problem, vni, edges, steps } = view;
  const cut = (text: string) => oneLine(text).slice(0, SAYS_MAX_CHARS);
  return {
    channel,
    tenant,
    phase,
    revision,
    ...(problem !== "" && { problem: cut(problem) }),
    ...(vni !== 0 && { vni }),
    edges: edges.map(({ name, machine, publicUrl, isReady }) => ({
      name,
      machine,
      publicUrl,
      ready: isReady,
    })),
    steps: steps.map(({ name, state, says }) => ({ name, state, says: cut(says) })),
  };
}
