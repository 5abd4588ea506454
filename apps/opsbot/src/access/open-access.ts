/** Access as it is configured. */
import type { DescService } from "@bufbuild/protobuf";
import type { AppDeps } from "@glassline/service/app";

import type { OpsBotConfig } from "../config.ts";
import { TALK } from "../core/access.ts";
import { Access, isLoopbackHost, needsOfService } from "./access.ts";
import { accessMetrics } from "./metrics.ts";
import { noTokens, openTokens } from "./token-store.ts";

/** Rejects with OperatorError. */
export async function openAccess(
  { apiTokens, apiRate, host }: Pick<OpsBotConfig, "apiTokens" | "apiRate" | "host">,
  service: DescService,
  { clock, logger, metrics: registry }: Pick<AppDeps, "clock" | "logger" | "metrics">,
): Promise<Access & Disposable> {
  const metrics = accessMetrics(registry);
  const tokens =
    apiTokens === "" ? noTokens : await openTokens(apiTokens, { clock, logger, metrics });
  const access = new Access({
    tokens,
    clock,
    metrics,
    // What a tool of MCP needs is looked at by itself.
    needs: new Map([...needsOfService(service), ["/mcp", TALK]]),
    isLoopback: isLoopbackHost(host),
    perSecond: apiRate,
  });
  return Object.assign(access, { [Symbol.dispose]: () => tokens[Symbol.dispose]() });
}
