import type { RpcError } from "@glassline/proto/errors";

/** Whether an error only says that a service is away: the banner above the page says so already, once and with its reason. */
export function isAway({ code }: RpcError): boolean {
  return code === "unavailable" || code === "deadline_exceeded";
}
