/** POST /icinga/event: an EventCommand of Icinga says that something happened. What it says is not read: Icinga is asked. */
import { RpcError } from "@glassline/proto/errors";
import type { PostRoute } from "@glassline/service/http";
import { requireToken } from "@glassline/service/token";

import type { IcingaMetrics } from "./metrics.ts";

export function pushRoute(token: string, hint: () => void, metrics: IcingaMetrics): PostRoute {
  return {
    path: "/icinga/event",
    handle: async (_body, { authorization }) => {
      try {
        if (token === "")
          throw new RpcError("unavailable", "no --icinga-push-token is set: nobody may push");
        requireToken(authorization, token, "Bearer with OpsBot's --icinga-push-token");
      } catch (error) {
        metrics.hints.inc({ from: "refused push" });
        throw error;
      }
      metrics.hints.inc({ from: "push" });
      hint();
      return {};
    },
  };
}
