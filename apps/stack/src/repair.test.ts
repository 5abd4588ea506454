/** OpsBot, the node-agent, two edges and the origin as processes: what is repaired, and what is left alone. */
import { EdgeCacheService } from "@glassline/proto/edge";
import { jsonClient } from "@glassline/proto/json";
import { NodeAgentService } from "@glassline/proto/node";
import { IncidentPhase, OpsBotService } from "@glassline/proto/opsbot";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { checkPorts } from "./preflight.ts";
import type { ProcessStack } from "./testing/processes.ts";
import { adminUrl, startProcesses } from "./testing/processes.ts";
import { eventually } from "./testing/testbed.ts";

/** Longer than three looks, so that whatever is believed has been acted on. */
const SETTLED_MS = 6_000;

let stack: ProcessStack;
beforeEach(
  async () =>
    void (stack = await startProcesses({}, ["collector", "opsbot", "origin", "node-agent"])),
  90_000,
);
afterEach(() => stack[Symbol.asyncDispose]());

const opsbot = () => jsonClient(OpsBotService, adminUrl(stack.plan, "opsbot"));
const edgesAreReady = () =>
  eventually("both edges are ready", async () => {
    const { checks } = await opsbot().getStatus();
    const healthy = checks.filter(({ check, output }) => check === "health" && /view/.test(output));
    return healthy.length === 2 ? true : undefined;
  });
const pause = (timeMs: number) => new Promise((resolve) => setTimeout(resolve, timeMs));

/** What was done to edges since they were started. */
async function actionsDone(): Promise<unknown[]> {
  const agent = jsonClient(NodeAgentService, adminUrl(stack.plan, "node-agent"));
  const { edges } = await agent.getStatus();
  return Promise.all(
    stack.plan.edges.map(async ({ adminPort, identity }) => {
      const client = jsonClient(EdgeCacheService, `http://localhost:${adminPort}`);
      const { generation } = edges.find(({ spec }) => spec?.name === identity.instance)!;
      return { generation, ...(await client.getStatus()).actionsDone };
    }),
  );
}

const LEFT_ALONE = [{ generation: 1n }, { generation: 1n }];

describe("OpsBot", { timeout: 90_000 }, () => {
  test("sees nothing wrong in a start", async () => {
    await edgesAreReady();
    await pause(SETTLED_MS);
    expect((await opsbot().listIncidents()).incidents).toEqual([]);
    expect(await actionsDone()).toEqual(LEFT_ALONE);
  });

  test.each(["SIGKILL", "SIGSTOP"] as const)(
    "leaves edges alone whose origin is away (%s): they serve what they have",
    async (signal) => {
      await edgesAreReady();
      stack.supervisor.signal("origin", signal);
      const incident = await eventually("people are asked", async () => {
        const { incidents } = await opsbot().listIncidents();
        return incidents.find(({ phase }) => phase === IncidentPhase.ESCALATED);
      });
      expect(incident).toMatchObject({ object: "origin", check: "channels" });
      await pause(2 * SETTLED_MS);
      expect(await actionsDone()).toEqual(LEFT_ALONE);
      if (signal === "SIGSTOP") stack.supervisor.signal("origin", "SIGCONT");
      else await stack.supervisor.restart("origin");
      await eventually("the incident is closed", async () => {
        const { openIncidents } = await opsbot().getStatus();
        return openIncidents === 0 ? true : undefined;
      });
      expect(await actionsDone()).toEqual(LEFT_ALONE);
    },
  );

  test("and a next start take over the edges of a stack that was killed", async () => {
    await edgesAreReady();
    for (const name of ["opsbot", "node-agent", "origin", "collector"])
      await stack.supervisor.kill(name, "SIGKILL");
    await expect(checkPorts(stack.plan)).resolves.toBeUndefined();
    for (const name of ["origin", "collector", "node-agent", "opsbot"])
      await stack.supervisor.restart(name);
    await edgesAreReady();
    await pause(SETTLED_MS);
    const { incidents } = await opsbot().listIncidents();
    expect(incidents.filter(({ object }) => object !== "origin")).toEqual([]);
    expect(await actionsDone()).toEqual(LEFT_ALONE);
  });
});
