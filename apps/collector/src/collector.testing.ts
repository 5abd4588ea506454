/** A collector in this process, for tests: started by its flags, quiet, with metrics of its own. */
import { readConfig } from "@glassline/config";
import { systemClock } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { trace } from "@opentelemetry/api";

import type { Collector } from "./collector.ts";
import { startCollector } from "./collector.ts";
import { program } from "./config.ts";

export function startByFlags(
  words: readonly string[],
  identity: Identity,
  metrics = createMetrics("collector"),
): Promise<Collector> {
  const result = readConfig(program, { arguments: [...words], environment: {} });
  if (!("config" in result)) throw new Error("got help, expected a configuration");
  return startCollector(result.config, {
    identity,
    clock: systemClock,
    random: Math.random,
    logger: createLogger("collector", "silent"),
    metrics,
    stopping: new AbortController().signal,
    startAnew: () => {},
    tracerProvider: trace.getTracerProvider(),
  });
}
