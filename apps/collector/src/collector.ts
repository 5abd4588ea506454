/** A collector: one engine, or several behind a front; its JSON API, health and metrics. */
import { openApi } from "@glassline/proto/openapi";
import { jsonRoutes } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";
import type { AppDeps } from "@glassline/service/app";
import { startAdmin } from "@glassline/service/http";

import type { CollectorConfig } from "./config.ts";
import type { Engine } from "./engine.ts";
import { alone, startEngine } from "./engine.ts";
import type { PortName } from "./metrics.ts";
import { connectionLimit, connectionMetrics } from "./metrics.ts";
import type { RestartDeps } from "./restart.ts";
import { createRestart } from "./restart.ts";
import { refuseFewerShards } from "./shards/shard-config.ts";

const VERSION = "0.1.0";

export interface Collector extends AsyncDisposable {
  /** Ports; 0 when one is closed. */
  addresses: Engine["addresses"] & { adminPort: number };
}

export type CollectorDeps = AppDeps & RestartDeps;

export async function startCollector(
  config: CollectorConfig,
  deps: CollectorDeps,
): Promise<Collector> {
  await using stack = new AsyncDisposableStack();
  refuseFewerShards(config);
  for (const note of config.config?.notes ?? []) deps.logger.info({ note }, "configuration");
  const connections = connectionMetrics(deps.metrics);
  const limitOf = (port: PortName) => connectionLimit(connections, port, config.connections);
  const restart = await createRestart(config, deps);
  const { addresses, query, exposition, unreadyReason } =
    config.shards > 1
      ? stack.use(
          await (await import("./shards/front.ts")).startFront(config, deps, { limitOf, restart }),
        )
      : {
          ...stack.use(await startEngine(config, deps, alone(limitOf, restart))),
          exposition: deps.metrics.registry,
          unreadyReason: () => undefined,
        };
  const healthCheck = config.config?.healthCheck;
  if (healthCheck) {
    const { startHealthCheck } = await import("./config-file/health-check.ts");
    stack.use(await startHealthCheck(healthCheck));
  }
  const admin = stack.use(
    await startAdmin(config, exposition, {
      routes: jsonRoutes(QueryService, query),
      openApi: openApi("Glassline collector", VERSION, [QueryService]),
      unreadyReason,
      connections: limitOf("admin"),
    }),
  );
  const parts = stack.move();
  return {
    addresses: { ...addresses, adminPort: admin.port },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
