import { DashboardService } from "@glassline/proto/dashboard";
import { jsonClient } from "@glassline/proto/json";
import { OpsBotService } from "@glassline/proto/opsbot";
import { QueryService } from "@glassline/proto/query";

import { sendWithSession } from "./session.ts";

/** What the collector knows, passed on by the dashboard's server. */
export const query = jsonClient(QueryService, "/api", sendWithSession);

/** Which services answer, the mesh, edges and channels. */
export const dashboard = jsonClient(DashboardService, "/api", sendWithSession);

/** OpsBot, passed on by the dashboard's server. */
export const opsBot = jsonClient(OpsBotService, "/api", sendWithSession);
