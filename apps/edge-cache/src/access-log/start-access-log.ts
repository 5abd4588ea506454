/** The access log, put together from the configuration. */
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";

import type { EdgeCacheConfig } from "../config.ts";
import type { EdgeMetrics } from "../metrics.ts";
import { AccessLog } from "./access-log.ts";
import { logFile, standardOutput } from "./log-output.ts";

/** Undefined: nothing is logged. Throws OperatorError. */
export async function startAccessLog(
  { accessLog, accessLogSample: sample, accessLogSize: maxBytes }: EdgeCacheConfig,
  { logger, random, metrics }: { logger: Logger; random: Random; metrics: EdgeMetrics },
  stack: AsyncDisposableStack,
): Promise<AccessLog | undefined> {
  if (accessLog === "") return undefined;
  const output = accessLog === "-" ? standardOutput() : await logFile(accessLog, logger, maxBytes);
  return stack.use(new AccessLog({ output, sample, random, metrics, logger }));
}
