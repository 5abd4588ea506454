import { systemClock } from "@glassline/service/clock";
import { readIdentity } from "@glassline/service/identity";
import { runMain } from "@glassline/service/main";
import { createMetrics } from "@glassline/service/metrics";
import { startTracing } from "@glassline/telemetry/tracing";

import { startCamera } from "./camera.ts";
import { program } from "./config.ts";

await runMain(program, async (config, { logger }) => {
  const identity = await readIdentity(config.pkiDir, { role: "camera", instance: config.name });
  const tracing = startTracing({ service: "camera", instance: config.name });
  const metrics = createMetrics("camera", true);
  const camera = await startCamera(config, {
    identity,
    clock: systemClock,
    random: Math.random,
    logger,
    metrics,
    ...tracing,
  });
  return {
    addresses: camera.addresses,
    [Symbol.asyncDispose]: async () => {
      await camera[Symbol.asyncDispose]();
      await tracing[Symbol.asyncDispose]();
    },
  };
});
