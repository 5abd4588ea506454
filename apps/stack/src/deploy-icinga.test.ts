/** A channel's edges in a real Icinga2: there when it is deployed, mended when somebody removes them, gone when it is. */
import { expect } from "vitest";

import { DeploymentStage } from "./testing/deployment-stage.ts";
import { ICINGA_ROOT } from "./testing/shipped-icinga.ts";
import { testWith } from "./testing/requirements.ts";

const testIcinga = testWith("icinga2", "monitoring-plugins");
const PATIENCE_MS = 180_000;
const DESCRIPTION = `channel: harbour
source: /live/cam-0001/index.m3u8
machines: [machine-1]
overlay: {kind: none}
slo: {hitRate: 1%, firstByte: 20s, players: 1, for: 3s, stalls: 1000}
`;

testIcinga(
  "a deployed channel is watched by Icinga2, as long as it is there",
  async () => {
    await using stage = await DeploymentStage.start({
      machines: 1,
      icinga: { checkInterval: "2s" },
    });
    const { icinga } = stage;
    const root = await stage.issue(ICINGA_ROOT);
    const hosts = async () => {
      const { body } = await icinga.ask(root, "GET", "/v1/objects/hosts");
      return (body.results ?? []).map(({ name }) => name);
    };
    const services = async () => {
      const { body } = await icinga.ask(root, "GET", "/v1/objects/services");
      return (body.results ?? []).map(({ name }) => name);
    };

    const file = await stage.describe("harbour", DESCRIPTION);
    const made = await stage.command("deploy", file, "--yes");
    expect(made.output).toMatch(/✓ 4 monitoring .* Icinga watches harbour-1/);
    expect(made).toMatchObject({ code: 0 });
    expect(await hosts()).toContain("harbour-1");
    expect(await services()).toEqual(
      expect.arrayContaining(["harbour-1!glassline-health", "harbour-1!glassline-hit-rate"]),
    );
    expect((await stage.command("deployments", "harbour")).output).toContain("harbour: live");
    expect((await stage.command("deploy", file, "--yes")).output).toBe("harbour: 0 changes\n");

    const { status } = await icinga.ask(root, "DELETE", "/v1/objects/hosts/harbour-1?cascade=1");
    expect(status).toBe(200);
    await expect.poll(hosts, { timeout: 60_000 }).toContain("harbour-1");

    expect(await stage.command("destroy", "harbour", "--yes")).toMatchObject({ code: 0 });
    expect(await hosts()).not.toContain("harbour-1");
  },
  PATIENCE_MS,
);
