/** A channel is not wanted any more. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const destroyChannel: Runbook = {
  name: "destroy-channel",
  help: "takes a channel down: profiles, monitoring, edges, segments, VNIs",
  does: "destroy",
  targets: "channel",
  triggers: [],
  tries: 1,
  blastRadius: { isFelt: false, says: "its viewers see it end" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "destroy", target: object }),
  verify: isOver,
  undo: undefined,
};
