/** The page's server: static files, and the JSON API that the page asks. Only who shows the session token changes anything. */
import { DashboardService } from "@glassline/proto/dashboard";
import type { UnaryMethods } from "@glassline/proto/json";
import { jsonRoutes } from "@glassline/proto/json";
import { OpsBotService } from "@glassline/proto/opsbot";
import { QueryService } from "@glassline/proto/query";
import type { AppDeps } from "@glassline/service/app";
import { OperatorError } from "@glassline/service/errors";
import {
  checkAddresses,
  createHttpServer,
  listen,
  mountJson,
  startAdmin,
} from "@glassline/service/http";
import { hasToken } from "@glassline/service/token";

import type { DashboardConfig } from "./config.ts";
import { createDelivery } from "./delivery.ts";
import type { OverviewSource } from "./overview.ts";
import { createOverview } from "./overview.ts";
import { checkPage, servePage } from "./page.ts";
import { passOpsBot, passQueries } from "./pass-on.ts";

export interface Dashboard extends AsyncDisposable {
  addresses: { port: number; adminPort: number; url: string };
}

export async function startDashboard(config: DashboardConfig, deps: AppDeps): Promise<Dashboard> {
  const collector = config.collector[0];
  if (!collector)
    throw new OperatorError(
      "--collector: got none, expected NAME=HOST:PORT of the collector that answers queries.",
    );
  checkPage();
  await using stack = new AsyncDisposableStack();
  const overview = stack.use(createOverview(config, deps.identity, deps.clock));
  const delivery = stack.use(createDelivery(config, deps));
  const queries = stack.use(passQueries(collector, deps.identity));
  const opsBot = stack.use(passOpsBot(config, deps.identity));

  const server = createHttpServer({ routerOptions: { ignoreTrailingSlash: true } });
  checkAddresses(server, config.allowedHost);
  mountJson(server, jsonRoutes(QueryService, queries.methods), "/api");
  mountJson(server, jsonRoutes(OpsBotService, opsBot.methods), "/api");
  const own = dashboardMethods(config, overview, delivery);
  mountJson(server, jsonRoutes(DashboardService, own), "/api");
  await servePage(server, config.mediaUrl);
  const port = await listen(server, "the dashboard (--port)", config.host, config.port);
  stack.defer(() => server.close());

  const admin = stack.use(await startAdmin(config, deps.metrics.registry));
  const parts = stack.move();
  const name = config.host === "127.0.0.1" ? "localhost" : config.host;
  return {
    addresses: { port, adminPort: admin.port, url: `http://${name}:${port}/` },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function dashboardMethods(
  { sessionToken }: DashboardConfig,
  overview: OverviewSource,
  delivery: ReturnType<typeof createDelivery>,
): UnaryMethods<typeof DashboardService> {
  return {
    getOverview: () => overview.get(),
    listEdges: () => delivery.edges(),
    listChannels: () => delivery.channels(),
    getSession: async (_request, { authorization }) => ({
      mayChange: hasToken(authorization, sessionToken),
    }),
  };
}
