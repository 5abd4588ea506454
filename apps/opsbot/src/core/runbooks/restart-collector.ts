/** A collector's replica does not do its work: its supervisor starts it anew, and gateways keep what is not acknowledged. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const restartCollector: Runbook = {
  name: "restart-collector",
  help: "drains a replica of the collector and lets it be started anew",
  does: "restart-collector",
  targets: "collector",
  triggers: [{ check: "ingestion", turn: 1 }],
  tries: 2,
  blastRadius: { isFelt: true, says: "its gateways keep their bundles meanwhile: nothing is lost" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "restart-collector", target: object }),
  verify: isOver,
  undo: undefined,
};
