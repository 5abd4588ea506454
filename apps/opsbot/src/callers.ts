/** Who asks, by the certificate that is shown. */
import type { CallContext } from "@glassline/proto/rpc";
import { requireCaller } from "@glassline/service/tls";

import type { AccessRole, Caller } from "./desk.ts";

/** A dashboard asks for those who showed it the token of a session. */
const ROLES: Readonly<Record<"operator" | "dashboard" | "monitor", AccessRole>> = {
  operator: "admin",
  dashboard: "admin",
  monitor: "viewer",
};

/** Throws RpcError: JSON over HTTP shows no certificate, and other roles of the network ask for nothing. */
export function callerByCertificate(context: Pick<CallContext, "subjectAltName">): Caller {
  const { role, instance } = requireCaller(context, ["operator", "dashboard", "monitor"]);
  return { who: `${role} ${instance}`, role: ROLES[role as keyof typeof ROLES] };
}
