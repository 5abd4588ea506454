/** An edge begins empty, or asks the origin too often: its channels are fetched into it before viewers ask. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const primeCache: Runbook = {
  name: "prime-cache",
  help: "fetches the channels into an edge that was started again, or that asks the origin too often",
  does: "prime",
  targets: "edge",
  triggers: [
    { check: "process", turn: 1 },
    { check: "hit-rate", turn: 1 },
  ],
  tries: 2,
  blastRadius: { isFelt: false, says: "nobody feels it; the origin sends each channel once" },
  // That a process has ended is a fact: it runs again, and is empty.
  observe: (seen) =>
    seen?.check === "process" && seen.suppressed === undefined ? undefined : whileItLasts(seen),
  plan: (object) => ({ kind: "prime", target: object }),
  verify: isOver,
  undo: undefined,
};
