/** A channel on machines that are network namespaces, with a real VXLAN between them. Needs root. */
import { describeWithNamespaces } from "@glassline/bench/namespaces/testing";
import { afterEach, expect, test } from "vitest";

import { DeploymentStage } from "./testing/deployment-stage.ts";
import { run } from "./testing/stage-apps.ts";

const PATIENCE_MS = 240_000;
const DESCRIPTION = `channel: harbour
source: /live/cam-0001/index.m3u8
machines: [machine-1, machine-2]
spares: [machine-3]
shield: machine-1
container: {driver: runc, memory: 512MiB}
slo: {hitRate: 1%, firstByte: 20s, players: 2, for: 4s, stalls: 1000}
`;

let stage: DeploymentStage | undefined;
afterEach(async () => {
  await stage?.[Symbol.asyncDispose]();
  stage = undefined;
});

/** Names of interfaces that begin so, on a machine. */
async function interfaces(namespace: string): Promise<string[]> {
  const { output } = await run(["ip", "-netns", namespace, "-j", "link"]);
  const links = JSON.parse(output) as { ifname: string }[];
  return links.map(({ ifname }) => ifname).filter((name) => name.startsWith("gl"));
}

describeWithNamespaces()("a deployment over VXLAN", () => {
  test(
    "joins its machines, fetches through the shield, moves when a machine dies, and leaves nothing",
    async () => {
      stage = await DeploymentStage.start({ machines: 3, namespaces: "apart" });
      const machines = stage.underlay!.machines;
      const namespaces = machines.map(({ namespace }) => namespace);
      const file = await stage.describe("harbour", DESCRIPTION);

      const made = await stage.command("deploy", file, "--yes");
      expect(made.output).toMatch(/✓ 2 overlay .* 2 segments of VNI \d+ up/);
      expect(made).toMatchObject({ code: 0 });
      const shown = (await stage.command("deployments", "harbour")).output;
      expect(shown).toMatch(/harbour: live \(revision 1\), 3 edges, VNI \d+/);
      const vni = /VNI (\d+)/.exec(shown)![1];
      expect((await interfaces(namespaces[1]!)).toSorted()).toEqual([`gl${vni}`, `glx${vni}`]);
      // What the second machine's edge has came from the shield, by the tunnel.
      expect(await machines[1]!.received(`glx${vni}`)).toBeGreaterThan(10);
      expect((await stage.command("deploy", file, "--yes")).output).toBe("harbour: 0 changes\n");

      // What somebody takes away comes back.
      await machines[1]!.ip(`link delete glx${vni}`);
      await expect
        .poll(() => interfaces(namespaces[1]!), { timeout: 30_000 })
        .toContain(`glx${vni}`);

      await stage.killMachine("machine-2");
      await expect
        .poll(async () => (await stage!.command("deployments", "harbour")).output, {
          timeout: 60_000,
          interval: 500,
        })
        .toMatch(/harbour-2 on machine-3: \S+ \(ready\)/);
      expect(await interfaces(namespaces[2]!)).toContain(`glx${vni}`);

      // The machine that died has no node-agent to take its part away.
      const gone = await stage.command("destroy", "harbour", "--yes");
      expect(gone.output).toContain("harbour: nothing of it is left");
      for (const place of [0, 2]) expect(await interfaces(namespaces[place]!)).toEqual([]);
    },
    PATIENCE_MS,
  );
});
