/** What every app is made of: its identity, the clock, chance, a logger, metrics and a tracer provider. */
import type { ConfigOf, Program, Spec } from "@glassline/config";
import { startTracing } from "@glassline/telemetry/tracing";
import type { TracerProvider } from "@opentelemetry/api";

import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import type { Identity, PeerName, Role } from "./identity.ts";
import { readIdentity } from "./identity.ts";
import type { Logger } from "./logger.ts";
import type { Context, MainOptions, Running } from "./main.ts";
import { runMain } from "./main.ts";
import type { Metrics } from "./metrics.ts";
import { createMetrics } from "./metrics.ts";
import { hasFreshIdentity, isOwnPki } from "./pki-state.ts";
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

/** Makes a certificate where none is there that is fresh, and one may be made. */
async function ensureIdentity(pkiDir: string, name: PeerName): Promise<void> {
  if (!(await isOwnPki(pkiDir)) || (await hasFreshIdentity(pkiDir, name))) return;
  const { ensureDevelopmentPki } = await import("./pki.ts");
  await ensureDevelopmentPki(pkiDir, [name]);
}

/** The settings that the frame itself needs. */
interface FrameSettings {
  name: string;
  pkiDir: string;
}

export interface AppOptions<S extends Spec> extends MainOptions<S> {
  /** Of an app that needs no other one: it makes its certificates itself where no CA of others is. */
  standsAlone?: (config: ConfigOf<S>) => boolean;
}

/** Runs an app on the real clock, with the certificate of its role and the name in its configuration. */
export function runApp<S extends Spec>(
  program: Program<S>,
  role: Role,
  start: (config: ConfigOf<S>, deps: AppDeps, context: Context) => Promise<Running>,
  { standsAlone = () => false, ...options }: AppOptions<S> = {},
): Promise<void> {
  const run = async (config: ConfigOf<S>, context: Context): Promise<Running> => {
    const { logger, stopping } = context;
    const { name, pkiDir } = config as unknown as FrameSettings;
    if (standsAlone(config)) await ensureIdentity(pkiDir, { role, instance: name });
    const identity = await readIdentity(pkiDir, { role, instance: name });
    const { tracerProvider, ...tracing } = await startTracing({ service: role, instance: name });
    const metrics = createMetrics(role, true);
    const deps = { identity, clock: systemClock, random: Math.random, logger, metrics, stopping };
    const app = await start(config, { ...deps, tracerProvider }, context);
    return {
      addresses: app.addresses,
      [Symbol.asyncDispose]: async () => {
        // Spans first: a collector exports its own to itself.
        await tracing[Symbol.asyncDispose]();
        await app[Symbol.asyncDispose]();
      },
    };
  };
  return runMain(program, run, options);
}
