/** What takes re-routing and draining back. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const restoreViewers: Runbook = {
  name: "restore-viewers",
  help: "lets viewers come back to an edge from which they were steered away",
  does: "restore",
  targets: "edge",
  triggers: [],
  tries: 1,
  blastRadius: { isFelt: false, says: "nobody feels it: viewers come as they choose" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "restore", target: object }),
  verify: isOver,
  undo: ({ target }) => ({ kind: "re-route", target }),
};
