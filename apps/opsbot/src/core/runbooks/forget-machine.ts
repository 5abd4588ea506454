/** A machine is gone for good, and never confirms that it is without what it had. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const forgetMachine: Runbook = {
  name: "forget-machine",
  help: "waits no more for a machine that is gone for good: its VNIs may be given to others",
  does: "forget-machine",
  targets: "machine",
  triggers: [],
  tries: 1,
  blastRadius: { isFelt: false, says: "when it comes back, what it still has is a conflict" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "forget-machine", target: object }),
  verify: isOver,
  undo: undefined,
};
