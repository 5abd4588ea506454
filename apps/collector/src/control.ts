/** What others may change: directives for cameras, and starting anew. */
import type { ControlService, DirectRequest } from "@glassline/proto/control";
import { RpcError } from "@glassline/proto/errors";
import type { Implementation } from "@glassline/proto/rpc";
import type { Directive } from "@glassline/otqmn/directive";

import type { OtqmnReceiver } from "./receivers/otqmn.ts";
import type { Restart } from "./restart.ts";

const INTERVAL_MS = { least: 100, greatest: 3_600_000 } as const;

export function createControl(
  receiver: Pick<OtqmnReceiver, "direct">,
  restart: Restart,
): Implementation<typeof ControlService> {
  return {
    direct: async (request) => ({ producer: receiver.direct(directiveOf(request)) }),
    restart,
  };
}

function directiveOf({ cameraId, action }: DirectRequest): Directive {
  if (action.case === "reportNow" && action.value) return { cameraId, action: { reportNow: true } };
  if (action.case !== "samplingIntervalMs")
    throw new RpcError(
      "invalid_argument",
      "action: got none, expected sampling_interval_ms or report_now: true",
    );
  const { least, greatest } = INTERVAL_MS;
  if (action.value < least || action.value > greatest)
    throw new RpcError(
      "invalid_argument",
      `sampling_interval_ms: got ${action.value}, expected ${least} to ${greatest}`,
    );
  return { cameraId, action: { samplingIntervalMs: action.value } };
}
