import { DashboardService } from "@glassline/proto/dashboard";
import { jsonClient } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";

/** What the collector knows, passed through by the dashboard's server. */
export const query = jsonClient(QueryService, "/api");

/** Which services answer, and the mesh. */
export const dashboard = jsonClient(DashboardService, "/api");
