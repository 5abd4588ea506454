/** A channel from its description to its viewers, on node-agents, edges and an OpsBot of their own, as people deploy it. */
import { UNLIMITED } from "@glassline/opsbot/unlimited";
import { EdgeCacheService } from "@glassline/proto/edge";
import { ActionKind } from "@glassline/proto/opsbot";
import { readIdentity } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { afterEach, describe, expect, test } from "vitest";

import { bringUp, deploymentOf } from "./testing/channels.ts";
import { DeploymentStage } from "./testing/deployment-stage.ts";

const PATIENCE_MS = 180_000;
const DESCRIPTION = `channel: harbour
source: /live/cam-0001/index.m3u8
machines: [machine-1, machine-2]
overlay: {kind: none}
# What this machine does beside it must not decide.
slo: {hitRate: 1%, firstByte: 20s, players: 2, for: 4001ms, stalls: 1000}
`;

let stage: DeploymentStage | undefined;
afterEach(async () => {
  await stage?.[Symbol.asyncDispose]();
  stage = undefined;
});

describe("a deployment", () => {
  test(
    "is planned, made, made again without a change, changed, and taken down",
    async () => {
      stage = await DeploymentStage.start({ machines: 2 });
      const file = await stage.describe("harbour", DESCRIPTION);

      const planned = await stage.command("plan", file);
      expect(planned).toMatchObject({ code: 0 });
      expect(planned.output).toContain("+ edge harbour-1 on machine-1");
      expect((await stage.command("deployments")).output).toContain("no channel was deployed");

      const made = await stage.command("deploy", file, "--yes");
      expect(made.output).toMatch(/✓ 3 containers +\d.* harbour-1, harbour-2 started/);
      expect(made.output).toMatch(/✓ 5 cache .*test load: \d/);
      expect(made.output).toContain("- 6 clients");
      expect(made).toMatchObject({ code: 0 });
      const shown = (await stage.command("deployments", "harbour")).output;
      expect(shown).toContain("harbour: live (revision 1), 2 edges, no overlay");
      const url = /http:\/\/localhost:\d+/.exec(shown)![0];
      using opsbot = await stage.client();
      const checked = async () =>
        (await opsbot.getStatus({})).checks.map(({ object, check }) => `${object} ${check}`);
      await expect.poll(checked, { timeout: 30_000 }).toContain("harbour drift");
      expect((await fetch(`${url}/live/cam-0001/index.m3u8`)).status).toBe(200);

      const again = await stage.command("deploy", file, "--yes");
      expect(again).toEqual({ code: 0, output: "harbour: 0 changes\n" });

      await stage.describe("harbour", DESCRIPTION.replace("machine-1, machine-2", "machine-1"));
      const changed = await stage.command("deploy", file, "--yes");
      expect(changed.output).toContain("- edge harbour-2 on machine-2");
      expect(changed).toMatchObject({ code: 0 });
      expect((await stage.command("deployments")).output).toContain("revision 2), 1 edge");

      const gone = await stage.command("destroy", "harbour", "--yes");
      expect(gone.output).toContain("harbour: nothing of it is left");
      expect(gone).toMatchObject({ code: 0 });
      await expect(fetch(`${url}/live/cam-0001/index.m3u8`)).rejects.toThrow();
      expect((await stage.command("deployments")).output).toContain("no channel was deployed");
      const left = (await checked()).filter((line) => line.startsWith("harbour"));
      expect(left).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    "that is begun beside others has ports of its own",
    async () => {
      stage = await DeploymentStage.start({ machines: 1, opsbot: UNLIMITED });
      using opsbot = await stage.client();
      const names = ["harbour", "market", "tower"];
      const described = (name: string) =>
        DESCRIPTION.replace("channel: harbour", `channel: ${name}`).replace(", machine-2", "");
      await Promise.all(names.map((name) => bringUp(opsbot, name, described(name))));
      const urls = await Promise.all(
        names.map(async (name) => (await deploymentOf(opsbot, name))!.edges[0]!.publicUrl),
      );
      expect(new Set(urls).size).toBe(names.length);
    },
    PATIENCE_MS,
  );

  test(
    "that moves to another machine is welcome to viewers there",
    async () => {
      stage = await DeploymentStage.start({ machines: 2 });
      const file = await stage.describe("harbour", DESCRIPTION.replace(", machine-2", ""));
      expect(await stage.command("deploy", file, "--yes")).toMatchObject({ code: 0 });
      await stage.describe("harbour", DESCRIPTION.replace("machine-1, ", ""));
      expect(await stage.command("deploy", file, "--yes")).toMatchObject({ code: 0 });
      const shown = (await stage.command("deployments", "harbour")).output;
      const [, port] = /harbour-1 on machine-2: http:\/\/localhost:(\d+) \(ready\)/.exec(shown)!;
      const endpoint = { name: "harbour-1", host: "localhost", port: Number(port) + 1 };
      const opsbot = await readIdentity(stage.pkiDir, { role: "opsbot", instance: "opsbot" });
      using edge = peerClient(EdgeCacheService, endpoint, "edge-cache", opsbot);
      expect(await edge.getStatus({})).toMatchObject({ edge: "harbour-1", draining: false });
    },
    PATIENCE_MS,
  );

  test(
    "that moves between two machines of one node-agent is brought there by it",
    async () => {
      stage = await DeploymentStage.start({ machines: 2, oneAgent: true });
      const file = await stage.describe("harbour", DESCRIPTION.replace(", machine-2", ""));
      expect(await stage.command("deploy", file, "--yes")).toMatchObject({ code: 0 });
      await stage.describe("harbour", DESCRIPTION.replace("machine-1, ", ""));
      expect(await stage.command("deploy", file, "--yes")).toMatchObject({ code: 0 });
      const shown = (await stage.command("deployments", "harbour")).output;
      expect(shown).toMatch(/harbour-1 on machine-2: http:\/\/localhost:\d+ \(ready\)/);
      await stage.describe("harbour", DESCRIPTION);
      expect(await stage.command("deploy", file, "--yes")).toMatchObject({ code: 0 });
    },
    PATIENCE_MS,
  );

  test(
    "that is moved and taken down at once is moved first, and leaves nothing",
    async () => {
      stage = await DeploymentStage.start({ machines: 2 });
      const file = await stage.describe(
        "harbour",
        DESCRIPTION.replace(", machine-2]", "]\nspares: [machine-2]"),
      );
      expect(await stage.command("deploy", file, "--yes")).toMatchObject({ code: 0 });
      using opsbot = await stage.client();
      const evacuate = { kind: ActionKind.EVACUATE, target: "machine-1" };
      const ask = async (change: Parameters<typeof opsbot.plan>[0]["change"]) => {
        const { result } = await opsbot.plan({ change });
        const hash = result.case === "plan" ? result.value.hash : "";
        return (await opsbot.apply({ hash })).result;
      };
      const moving = ask({ change: { case: "act", value: evacuate } });
      const isBegun = async () => (await opsbot.getStatus({})).openIncidents;
      await expect.poll(isBegun, { timeout: 30_000, interval: 20 }).toBe(1);
      const destroy = { case: "destroy", value: { channel: "harbour" } } as const;
      // What it would remove is otherwise while it moves: it is asked for again.
      const begun = async () => (await ask({ change: destroy })).value;
      await expect.poll(begun, { timeout: 30_000, interval: 20 }).toMatchObject({ ok: true });
      const done = await moving;
      expect(done.value).toMatchObject({ ok: true, says: "machine-1: harbour runs on machine-2" });
      const id = done.case === "outcome" ? done.value.incidentId : 0n;
      const { entries } = await opsbot.getIncident({ id });
      expect(entries.map(({ text }) => text)).toContain("harbour: containers: harbour-1 started");
      const shown = async () => (await stage!.command("deployments")).output;
      await expect.poll(shown, { timeout: 60_000 }).toContain("no channel was deployed");
      const left = async () =>
        (await opsbot.getStatus({})).checks.filter(({ object }) => object.startsWith("harbour"));
      await expect.poll(left, { timeout: 30_000 }).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    "serves viewers by TLS where machines have a certificate for them",
    async () => {
      stage = await DeploymentStage.start({ machines: 2, viewerTls: true });
      const file = await stage.describe("harbour", DESCRIPTION);
      const made = await stage.command("deploy", file, "--yes");
      expect(made.output).toMatch(/\+ edge harbour-2 on machine-2 \(https:\/\/localhost:\d+\)/);
      expect(made.output).toMatch(/✓ 5 cache .*test load: \d/);
      expect(made).toMatchObject({ code: 0 });
    },
    PATIENCE_MS,
  );

  test(
    "that falls short leaves nothing, and one that was live stays as it was",
    async () => {
      stage = await DeploymentStage.start({ machines: 1 });
      const one = DESCRIPTION.replace(", machine-2", "");
      const file = await stage.describe(
        "harbour",
        one.replace("50%", "100%").replace("20s", "1ms"),
      );
      const short = await stage.command("deploy", file, "--yes");
      expect(short).toMatchObject({ code: 1 });
      expect(short.output).toMatch(/✗ 5 cache .*time to first byte/);
      expect(short.output).toContain("harbour: failed (revision 1), 0 edges");

      await stage.describe("harbour", one);
      expect(await stage.command("deploy", file, "--yes")).toMatchObject({ code: 0 });
      await stage.describe("harbour", `${one.replace("20s", "1ms")}cache: {memory: 64MiB}\n`);
      const worse = await stage.command("deploy", file, "--yes");
      expect(worse).toMatchObject({ code: 1 });
      expect(worse.output).toContain("~ edge harbour-1 on machine-1: store max bytes");
      await stage.describe("harbour", one);
      expect((await stage.command("deploy", file, "--yes")).output).toContain("0 changes");
    },
    PATIENCE_MS,
  );

  test(
    "goes on where it was when OpsBot is killed on the way",
    async () => {
      stage = await DeploymentStage.start({ machines: 1 });
      const file = await stage.describe("harbour", DESCRIPTION.replace(", machine-2", ""));
      const deploying = stage.command("deploy", file, "--yes");
      using opsbot = await stage.client();
      const known = async () => (await opsbot.listDeployments({})).deployments.length;
      await expect.poll(known, { timeout: 60_000, interval: 20 }).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await stage.opsbot.end("SIGKILL");
      await stage.startOpsBot();
      await deploying;
      await expect
        .poll(async () => (await stage!.command("deployments")).output, { timeout: 60_000 })
        .toContain("harbour: live (revision 1), 1 edge");
    },
    PATIENCE_MS,
  );

  test(
    "is refused for what cannot be, with the place in the file",
    async () => {
      stage = await DeploymentStage.start({ machines: 1 });
      const wrong = await stage.describe("wrong", "channel: Bad\nmachines: []\n");
      expect(await stage.command("deploy", wrong, "--yes")).toMatchObject({
        code: 69,
        output: expect.stringContaining(`${wrong}:1:10 channel: got "Bad"`),
      });
      const elsewhere = await stage.describe("far", DESCRIPTION.replace("machine-1", "machine-9"));
      expect(await stage.command("deploy", elsewhere, "--yes")).toMatchObject({
        code: 1,
        output: expect.stringContaining("got machine-9, which no node-agent tells of"),
      });
      expect(await stage.command("destroy", "harbour", "--yes")).toMatchObject({
        code: 1,
        output: expect.stringContaining('got "harbour", which was never deployed'),
      });
    },
    PATIENCE_MS,
  );
});
