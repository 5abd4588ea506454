import { systemClock } from "@glassline/service/clock";
import { readIdentity } from "@glassline/service/identity";
import { runMain } from "@glassline/service/main";
import { createMetrics } from "@glassline/service/metrics";

import { program } from "./config.ts";
import { startDashboard } from "./dashboard.ts";

await runMain(program, async (config) => {
  const identity = await readIdentity(config.pkiDir, { role: "dashboard", instance: config.name });
  return startDashboard(config, {
    identity,
    clock: systemClock,
    metrics: createMetrics("dashboard", true),
  });
});
