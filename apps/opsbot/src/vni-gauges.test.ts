import { createMetrics } from "@glassline/service/metrics";
import { expect, test } from "vitest";

import { showVnis } from "./vni-gauges.ts";

test("quotas are shown as they are, and none while the store does not answer", async () => {
  const metrics = createMetrics("opsbot");
  let isThere = true;
  const quotas = async () => {
    if (!isThere) throw new Error("away");
    return [{ tenant: "acme", quota: 50, used: 7 }];
  };
  showVnis(metrics, { quotas }, { conflicts: ["machine-1: 4711"] });
  const shown = await metrics.registry.metrics();
  expect(shown).toMatch(/opsbot_tenant_vnis\{tenant="acme",of="used".* 7$/m);
  expect(shown).toMatch(/opsbot_tenant_vnis\{tenant="acme",of="quota".* 50$/m);
  expect(shown).toMatch(/opsbot_vni_conflicts\{.* 1$/m);
  isThere = false;
  expect(await metrics.registry.metrics()).not.toContain("acme");
});
