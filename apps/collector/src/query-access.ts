/** Who may ask by gRPC: every role but that of load balancers, which hand on streams and ask nothing. */
import type { QueryService } from "@glassline/proto/query";
import type { CallContext, Implementation } from "@glassline/proto/rpc";
import { ROLES } from "@glassline/service/identity";
import { requireCaller } from "@glassline/service/tls";

const READERS = ROLES.filter((role) => role !== "load-balancer");

type Query = Implementation<typeof QueryService>;
type Handler = (request: unknown, context: CallContext) => Promise<unknown>;

export function forReaders(query: Query): Query {
  const guarded = Object.entries(query).map(([name, handler]) => [
    name,
    async (request: unknown, context: CallContext) => {
      requireCaller(context, READERS);
      return (handler as Handler)(request, context);
    },
  ]);
  return Object.fromEntries(guarded) as Query;
}
