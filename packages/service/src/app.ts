/** What every app is made of: its identity, the clock, chance, a logger, metrics and a tracer provider. */
import type { ConfigOf, Program, Spec } from "@glassline/config";
import { startTracing } from "@glassline/telemetry/tracing";
import type { TracerProvider } from "@opentelemetry/api";

import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import type { Identity, Role } from "./identity.ts";
import { readIdentity } from "./identity.ts";
import type { Logger } from "./logger.ts";
import type { Running } from "./main.ts";
import { runMain } from "./main.ts";
import type { Metrics } from "./metrics.ts";
import { createMetrics } from "./metrics.ts";
import type { Random } from "./random.ts";

export interface AppDeps {
  identity: Identity;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: Metrics;
  tracerProvider: TracerProvider;
  /** Aborted when the process has been asked to stop, with the reason. */
  stopping: AbortSignal;
}

/** The settings that the frame itself needs. */
interface FrameSettings {
  name: string;
  pkiDir: string;
}

/** Runs an app on the real clock, with the certificate of its role and the name in its configuration. */
export function runApp<S extends Spec>(
  program: Program<S>,
  role: Role,
  start: (config: ConfigOf<S>, deps: AppDeps) => Promise<Running>,
): Promise<void> {
  return runMain(program, async (config, { logger, stopping }) => {
    const { name, pkiDir } = config as unknown as FrameSettings;
    const identity = await readIdentity(pkiDir, { role, instance: name });
    const { tracerProvider, ...tracing } = await startTracing({ service: role, instance: name });
    const metrics = createMetrics(role, true);
    const app = await start(config, {
      identity,
      clock: systemClock,
      random: Math.random,
      logger,
      metrics,
      tracerProvider,
      stopping,
    });
    return {
      addresses: app.addresses,
      [Symbol.asyncDispose]: async () => {
        // Spans first: a collector exports its own to itself.
        await tracing[Symbol.asyncDispose]();
        await app[Symbol.asyncDispose]();
      },
    };
  });
}
