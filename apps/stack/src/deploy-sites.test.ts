/** A channel over two sites, each joined to the other by one active gateway. Machines are network namespaces. Needs root. */
import { describeWithNamespaces } from "@glassline/bench/namespaces/testing";
import { afterEach, expect, test } from "vitest";

import { CHANNEL_PATH, DeploymentStage } from "./testing/deployment-stage.ts";
import { run } from "./testing/stage-apps.ts";

const PATIENCE_MS = 420_000;
const SOON = { timeout: 90_000, interval: 500 };
const SITES = ["site-a", "site-a", "site-b", "site-b"];
const CHANNEL = `channel: harbour
source: ${CHANNEL_PATH}
slo: {hitRate: 1%, firstByte: 20s, players: 2, for: 4s, stalls: 1000}
machines: [machine-3]
shield: machine-1
`;
const OUTSIDE = `spares: [machine-2, machine-4]
overlay:
  gateways: {site-a: [machine-2, machine-1], site-b: [machine-4, machine-3]}
`;

let stage: DeploymentStage | undefined;
afterEach(async () => {
  await stage?.[Symbol.asyncDispose]();
  stage = undefined;
});

/** Of VXLAN: one of its site, and at a gateway one to the other sites, too. */
async function tunnels(machine: number): Promise<string[]> {
  const { namespace } = stage!.underlay!.machines[machine - 1]!;
  const { output } = await run(["ip", "-netns", namespace, "-j", "link"]);
  const links = JSON.parse(output) as { ifname: string }[];
  return links.map(({ ifname }) => ifname).filter((name) => name.startsWith("glx"));
}

const told = async () => (await stage!.command("deployments", "harbour")).output;

/** Whether a player at the edge of site b sees the picture go on: what is live comes from the shield of site a. */
async function plays(): Promise<boolean> {
  const [, url] = /harbour-1 on machine-3: (\S+) \(ready\)/.exec(await told()) ?? [];
  if (url === undefined) return false;
  const limits = ["--hit-rate=0", "--first-byte=20s", "--stalls=1000", "--error-share=5"];
  const words = [`${url}${CHANNEL_PATH}`, "--players=1", "--for=4s", ...limits];
  return (await stage!.command("validate", ...words)).code === 0;
}

/** It is played, and what is played comes by a tunnel of these machines. */
async function playsBy(tunnel: string, ...machines: readonly number[]): Promise<void> {
  const received = () =>
    Promise.all(machines.map((one) => stage!.underlay!.machines[one - 1]!.received(tunnel)));
  const before = await received();
  await expect.poll(plays, SOON).toBe(true);
  for (const [at, count] of (await received()).entries())
    expect(count).toBeGreaterThan(before[at]! + 10);
}

describeWithNamespaces()("a deployment over two sites", () => {
  test.each([
    {
      name: "that have nothing else",
      more: OUTSIDE,
      gateways: [2, 4],
      next: 1,
    },
    {
      name: "that have the edges, too",
      more: "spares: [machine-2]\n",
      gateways: [1, 3],
      next: 2,
    },
  ])(
    "is played across gateways $name, and played again when an active one has died",
    async ({ more, gateways, next }) => {
      stage = await DeploymentStage.start({ machines: 4, namespaces: "apart", sites: SITES });
      const [first = 0, second = 0] = gateways;
      const file = await stage.describe("harbour", CHANNEL + more);
      const made = await stage.command("deploy", file, "--yes");
      expect(made.output).toMatch(/✓ 2 overlay .*joined by machine-\d and machine-\d/);
      expect(made).toMatchObject({ code: 0 });
      const ofSecond = await tunnels(second);
      const core = (await tunnels(first)).find((name) => ofSecond.includes(name))!;
      await playsBy(core, first, second);

      await stage.killMachine(`machine-${first}`);
      await expect.poll(() => tunnels(next), SOON).toContain(core);
      await playsBy(core, next, second);
      await expect.poll(told, SOON).toMatch(/harbour: live /);

      // The one that died comes back with what it had, and hears that another one has its place.
      await stage.startAgain(`machine-${first}`);
      await expect.poll(() => tunnels(first), SOON).toEqual([]);
      await playsBy(core, next, second);

      const gone = await stage.command("destroy", "harbour", "--yes");
      expect(gone.output).toContain("harbour: nothing of it is left");
      for (const one of [1, 2, 3, 4]) expect(await tunnels(one)).toEqual([]);
    },
    PATIENCE_MS,
  );
});
