import { create } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import {
  EdgeSpecSchema,
  GetStatusResponseSchema,
  SetDesiredStateRequestSchema,
} from "@glassline/proto/node";
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import type { Deployer } from "../deployment/deployer.ts";
import { Machines } from "../machines.ts";
import type { Network } from "../network.ts";
import type { Deployment } from "../stores/deployments.ts";
import { newDeployment } from "../stores/deployments.ts";
import { deploymentChecks } from "./deployment-checks.ts";

const on = (machine: string) =>
  create(SetDesiredStateRequestSchema, {
    edges: [create(EdgeSpecSchema, { name: "harbour-1", machine, channel: "harbour" })],
  });

test("a machine that is away is critical until what it had is elsewhere, and then a warning until it is back", async () => {
  let isAway = false;
  const agentOf = (machine: string, answers: () => boolean) => ({
    getStatus: async () => {
      if (!answers()) throw new RpcError("unavailable", "no answer");
      const machineStates = [{ name: machine }];
      return create(GetStatusResponseSchema, {
        agent: machine,
        machines: [machine],
        machineStates,
      });
    },
  });
  const agents = new Map([
    ["agent-1", agentOf("machine-1", () => true)],
    ["agent-2", agentOf("machine-2", () => !isAway)],
  ]);
  const network = { agents, edges: new Map() } as unknown as Network;
  const machines = new Machines(network, simulatedClock());
  let deployment: Deployment = { ...newDeployment("harbour"), told: on("machine-2") };
  const [check] = deploymentChecks({
    network,
    machines,
    deployments: { all: async () => [deployment] },
    deployer: {} as Deployer,
    keeping: { conflicts: [] },
  });
  const stateOf = async () => {
    const findings = await check!.run(true);
    return findings.find(({ object }) => object === "machine-2")?.state;
  };
  expect(await stateOf()).toBe("ok");
  isAway = true;
  expect(await stateOf()).toBe("critical");
  // It was decided where its edge shall be, which has not been told yet.
  const kept = {
    ...deployment.kept,
    substitutes: { "machine-2": "machine-1" },
    away: ["machine-2"],
  };
  deployment = { ...deployment, kept };
  expect(await stateOf()).toBe("critical");
  deployment = { ...deployment, told: on("machine-1") };
  expect(await stateOf()).toBe("warning");
  isAway = false;
  expect(await stateOf()).toBe("ok");
});
