import { systemClock } from "@glassline/service/clock";
import { readIdentity } from "@glassline/service/identity";
import { runMain } from "@glassline/service/main";
import { createMetrics } from "@glassline/service/metrics";
import { startTracing } from "@glassline/telemetry/tracing";

import { startCollector } from "./collector.ts";
import { program } from "./config.ts";

await runMain(program, async (config, { logger }) => {
  const identity = await readIdentity(config.pkiDir, { role: "collector", instance: config.name });
  const tracing = startTracing({ service: "collector", instance: config.name });
  const metrics = createMetrics("collector", true);
  const collector = await startCollector(config, {
    identity,
    clock: systemClock,
    random: Math.random,
    logger,
    metrics,
    ...tracing,
  });
  return {
    addresses: collector.addresses,
    [Symbol.asyncDispose]: async () => {
      await tracing[Symbol.asyncDispose]();
      await collector[Symbol.asyncDispose]();
    },
  };
});
