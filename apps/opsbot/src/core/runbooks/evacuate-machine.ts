/** A machine is away, and so are its edges: others take them over. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const evacuateMachine: Runbook = {
  name: "evacuate-machine",
  help: "runs the edges and segments of a machine that is away on other machines",
  does: "evacuate",
  targets: "machine",
  triggers: [{ check: "machine", turn: 1 }],
  tries: 1,
  blastRadius: { isFelt: true, says: "its viewers are on other edges already" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "evacuate", target: object }),
  // Until it is back it is a warning when all that it had is elsewhere.
  verify: isOver,
  undo: undefined,
};
