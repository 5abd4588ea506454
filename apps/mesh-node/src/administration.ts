/** What a node tells about itself, and what OpsBot may do to its links. */
import { RpcError } from "@glassline/proto/errors";
import type { MeshAdminService } from "@glassline/proto/mesh";
import type { CallContext, Implementation } from "@glassline/proto/rpc";
import { messageOf } from "@glassline/service/errors";
import { totalOf, valuesByLabel } from "@glassline/service/metrics";
import { OneShotActions } from "@glassline/service/one-shot-actions";
import { requireCaller } from "@glassline/service/tls";

import type { Egress } from "./egress.ts";
import type { Gateway } from "./gateway/gateway.ts";
import type { Link } from "./links/link.ts";
import type { MeshMetrics } from "./metrics.ts";
import type { Router } from "./router.ts";

export interface AdminDeps {
  node: string;
  router: Router;
  egress: Egress | undefined;
  gateway: Gateway | undefined;
  metrics: MeshMetrics;
}

export function adminService({
  node,
  router,
  egress,
  gateway,
  metrics,
}: AdminDeps): Implementation<typeof MeshAdminService> {
  const actions = new OneShotActions({ peopleMay: false });
  const guard = (context: CallContext) => void requireCaller(context, ["opsbot"]);
  return {
    getStatus: async () => {
      const state = gateway && (await gateway.status());
      return {
        node,
        ...router.status(),
        ...(state && { gateway: state }),
        relay: {
          framesRelayed: await totalOf(metrics.framesRelayed),
          framesDropped: await valuesByLabel(metrics.framesDropped, "reason"),
          circuits: egress?.circuits() ?? 0,
        },
      };
    },
    restartLink: async (request, context) => {
      guard(context);
      return actions.once("restart", request.neighbour, request, async () => {
        linkTo(request.neighbour, router).close("OpsBot restarts it");
        metrics.linkActions.inc({ kind: "restart" });
        return {};
      });
    },
    rotateKeys: async (request, context) => {
      guard(context);
      return actions.once("rotation", request.neighbour, request, async () => {
        const uninterrupted = await renewed(linkTo(request.neighbour, router));
        metrics.linkActions.inc({ kind: "rotate-keys" });
        return { uninterrupted };
      });
    },
  };
}

/** Throws RpcError. */
function linkTo(neighbour: string, router: Router): Link {
  const link = router.linkTo(neighbour);
  if (link) return link;
  const names = router.status().links.map((known) => known.neighbour);
  const expected = names.length === 0 ? "none, as no link is up" : `one of ${names.join(", ")}`;
  throw new RpcError(
    "not_found",
    `neighbour: got ${JSON.stringify(neighbour)}, expected ${expected}`,
  );
}

/** @returns whether there was a link all the time. Rejects with RpcError; then the link is as before. */
async function renewed(link: Link): Promise<boolean> {
  if (!link.renew) {
    link.close("its keys are renewed");
    return false;
  }
  try {
    await link.renew();
    return true;
  } catch (error) {
    const message = `no new connection to ${link.neighbour}, the old one goes on: ${messageOf(error)}`;
    throw new RpcError("unavailable", message, { cause: error });
  }
}
