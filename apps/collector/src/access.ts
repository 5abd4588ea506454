/** Who may call what by gRPC, by the role in its certificate. */
import type { DescService } from "@bufbuild/protobuf";
import type { ControlService } from "@glassline/proto/control";
import type { QueryService } from "@glassline/proto/query";
import type { CallContext, Implementation } from "@glassline/proto/rpc";
import type { Role } from "@glassline/service/identity";
import { ROLES } from "@glassline/service/identity";
import { requireCaller } from "@glassline/service/tls";

type Handler = (request: unknown, context: CallContext) => Promise<unknown>;

/** Every role but that of load balancers, which hand on streams and ask nothing. */
const READERS = ROLES.filter((role) => role !== "load-balancer");

export const forReaders = (query: Implementation<typeof QueryService>) => forRoles(READERS, query);
export const forOpsBot = (control: Implementation<typeof ControlService>) =>
  forRoles(["opsbot"], control);
/** Between the processes of one collector. */
export const forShards = <S extends DescService>(service: Implementation<S>) =>
  forRoles<S>(["collector"], service);

function forRoles<S extends DescService>(
  roles: readonly Role[],
  service: Implementation<S>,
): Implementation<S> {
  const guarded = Object.entries(service).map(([name, handler]) => [
    name,
    async (request: unknown, context: CallContext) => {
      requireCaller(context, roles);
      return (handler as Handler)(request, context);
    },
  ]);
  return Object.fromEntries(guarded) as Implementation<S>;
}
