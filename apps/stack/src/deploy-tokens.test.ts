/** Phones watch the channel that they were enrolled for, and once revoked they watch nowhere, wherever its edges are by then. */
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { formOf, profileIn } from "@glassline/enrolment/testing";
import { NodeAgentService } from "@glassline/proto/node";
import type { OpsBotService } from "@glassline/proto/opsbot";
import { ActionKind } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";
import { peerClient } from "@glassline/service/peer-client";
import { afterEach, expect, test } from "vitest";

import { bringUp, deploymentOf } from "./testing/channels.ts";
import { CHANNEL_PATH, DeploymentStage } from "./testing/deployment-stage.ts";

const PATIENCE_MS = 180_000;
const descriptionOf = (channel: string) => `channel: ${channel}
source: ${CHANNEL_PATH}
machines: [machine-1]
spares: [machine-2]
overlay: {kind: none}
# What this machine does beside it must not decide.
slo: {hitRate: 1%, firstByte: 20s, players: 2, for: 4001ms, stalls: 1000}
clients: {}
`;

let stage: DeploymentStage | undefined;
afterEach(async () => {
  await stage?.[Symbol.asyncDispose]();
  stage = undefined;
});

/** A phone opens its link and installs the profile. @returns its device and its token. */
async function enrolled(
  name: string,
  channel = "harbour",
): Promise<{ device: string; token: string }> {
  const { output } = await stage!.command("invite", name, channel);
  const url = /http:\/\/localhost:\d+\/enrol\/[\w-]+/.exec(output)![0];
  const device = /the device is (dev-\w+)/.exec(output)![1]!;
  const body = formOf(await (await fetch(url)).text());
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const used = await fetch(url, { method: "POST", body, headers, redirect: "manual" });
  const profile = await fetch(new URL(used.headers.get("location")!, url));
  return { device, token: profileIn(Buffer.from(await profile.arrayBuffer())).token };
}

/** What its only edge answers to whom. */
async function answers(
  opsbot: Client<typeof OpsBotService>,
  token: string,
  channel = "harbour",
): Promise<number> {
  const [edge] = (await deploymentOf(opsbot, channel))!.edges;
  const { status } = await fetch(`${edge!.publicUrl}${CHANNEL_PATH}?access_token=${token}`);
  return status;
}

test(
  "a revoked device watches no more, neither where an edge has moved to nor where one has lost its files",
  async () => {
    stage = await DeploymentStage.start({ machines: 2, enrolment: true });
    using opsbot = await stage.client();
    await bringUp(opsbot, "harbour", descriptionOf("harbour"));
    const [anna, ben] = [await enrolled("anna"), await enrolled("ben")];
    expect(await answers(opsbot, anna.token)).toBe(200);

    const revoked = await stage.command("revoke", anna.device, "harbour", "--yes");
    expect(revoked.output).toContain("it gets no tokens any more, and 1 edge refuse");
    expect(revoked).toMatchObject({ code: 0 });
    expect(await answers(opsbot, anna.token)).toBe(403);
    expect(await answers(opsbot, ben.token)).toBe(200);

    const evacuate = { kind: ActionKind.EVACUATE, target: "machine-1" };
    const { result } = await opsbot.plan({ change: { change: { case: "act", value: evacuate } } });
    const hash = result.case === "plan" ? result.value.hash : "";
    expect((await opsbot.apply({ hash })).result.value).toMatchObject({ ok: true });
    expect((await deploymentOf(opsbot, "harbour"))!.edges[0]!.machine).toBe("machine-2");
    expect(await answers(opsbot, anna.token)).toBe(403);
    expect(await answers(opsbot, ben.token)).toBe(200);

    const { endpoint } = stage.agents.get("machine-2")!;
    const looker = await stage.issue({ role: "operator", instance: "looker" });
    using agent = peerClient(NodeAgentService, endpoint, "node-agent", looker);
    const [edge] = (await agent.getStatus({})).edges;
    await rm(join(stage.directory, endpoint.name, "edges/harbour-1/revocations.json"));
    process.kill(edge!.processId, "SIGKILL");
    const told = async () => (await stage!.command("deployments", "harbour")).output;
    const fetched = () => answers(opsbot, anna.token).catch(() => 0);
    await expect.poll(fetched, { timeout: 30_000, interval: 20 }).toBe(200);
    await expect.poll(fetched, { timeout: 30_000 }).toBe(403);
    await expect.poll(told, { timeout: 30_000 }).toMatch(/harbour: live .*1 edge/);
  },
  PATIENCE_MS,
);

test(
  "a device watches no other channel, though it has the same source",
  async () => {
    stage = await DeploymentStage.start({ machines: 2, enrolment: true });
    using opsbot = await stage.client();
    for (const channel of ["harbour", "quay"])
      await bringUp(opsbot, channel, descriptionOf(channel));
    const [anna, ben] = [await enrolled("anna"), await enrolled("ben", "quay")];
    expect(await answers(opsbot, anna.token)).toBe(200);
    expect(await answers(opsbot, ben.token, "quay")).toBe(200);
    expect(await answers(opsbot, anna.token, "quay")).toBe(403);
    expect(await answers(opsbot, ben.token)).toBe(403);
  },
  PATIENCE_MS,
);
