import { create } from "@bufbuild/protobuf";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { simulatedClock } from "@glassline/service/clock/testing";
import { createLogger } from "@glassline/service/logger";
import { expect, test } from "vitest";

import type { EffectDeps } from "../actions/effects.ts";
import { openFile, scratch } from "../stores/store.testing.ts";
import { openVnis } from "../vnis/open-vnis.ts";
import { Deployer } from "./deployer.ts";
import type { DeploymentParts } from "./parts.ts";

const OWNER = "harbour:";
const logger = createLogger("opsbot", "silent");

test("a channel is taken down whatever its description says by now", async () => {
  const clock = simulatedClock();
  await using led = await openFile(scratch(), () => clock.nowUnixNano());
  const settings = { dataDir: scratch(), postgres: "", postgresCa: "", tenants: "" };
  await using vnis = await openVnis(settings, { clock, logger });
  const { journal } = led;
  await vnis.allocate({ owner: OWNER, tenant: "default", ipv4: false });
  await journal.transact(async ({ deployments }) => {
    await deployments.wish("harbour", "default", "channel: harbour\nof: an older release");
    const { kept } = (await deployments.of("harbour"))!;
    const goal = create(SetDesiredStateRequestSchema);
    await deployments.change("harbour", {
      phase: "leaving",
      goal,
      kept: { ...kept, owners: [OWNER] },
    });
  });
  const removed: string[] = [];
  const registrar: Pick<DeploymentParts["registrar"], "remove"> = {
    remove: async (channel) => `${removed.push(channel)} removed`,
  };
  const parts = { journal, vnis, registrar, watch: async () => {} } as unknown as DeploymentParts;
  const effects = {
    network: { agents: new Map(), edges: new Map() },
    desired: { tell: async () => {} },
    clock,
    fencingToken: led.fencingToken,
    isHeld: async () => false,
    signal: new AbortController().signal,
  } as unknown as EffectDeps;
  const incident = await journal.transact((records) =>
    records.openIncident({ object: "harbour", check: "request", title: "asked for" }, "asked"),
  );
  const action = { kind: "destroy", target: "harbour" } as const;
  const intent = await journal.transact((records) => records.intend(incident, action, ""));

  expect(await new Deployer(parts).destroy(intent, effects)).toBe("nothing of harbour is left");
  expect(removed).toEqual(["harbour"]);
  expect(await vnis.of(OWNER)).toBeUndefined();
  expect(await journal.deployments.of("harbour")).toBeUndefined();
});
