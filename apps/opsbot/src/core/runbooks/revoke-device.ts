/** A device is lost, or its owner may not watch any more. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const revokeDevice: Runbook = {
  name: "revoke-device",
  help: "takes a device's profile and token back, on all edges of the channel",
  does: "revoke-device",
  targets: "channel",
  triggers: [],
  tries: 1,
  blastRadius: { isFelt: false, says: "one device is refused from then on" },
  observe: whileItLasts,
  // Only people ask for it, and name the device.
  plan: (object) => ({ kind: "revoke-device", target: object, device: "" }),
  verify: isOver,
  undo: undefined,
};
