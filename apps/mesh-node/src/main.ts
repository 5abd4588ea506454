import { systemClock } from "@glassline/service/clock";
import { readIdentity } from "@glassline/service/identity";
import { runMain } from "@glassline/service/main";
import { createMetrics } from "@glassline/service/metrics";
import { startTracing } from "@glassline/telemetry/tracing";

import { program } from "./config.ts";
import { startMeshNode } from "./mesh-node.ts";

await runMain(program, async (config, { logger }) => {
  const identity = await readIdentity(config.pkiDir, { role: "mesh-node", instance: config.name });
  const tracing = startTracing({ service: "mesh-node", instance: config.name });
  const metrics = createMetrics("mesh-node", true);
  const node = await startMeshNode(config, {
    identity,
    clock: systemClock,
    random: Math.random,
    logger,
    metrics,
    ...tracing,
  });
  return {
    addresses: node.addresses,
    [Symbol.asyncDispose]: async () => {
      await node[Symbol.asyncDispose]();
      await tracing[Symbol.asyncDispose]();
    },
  };
});
