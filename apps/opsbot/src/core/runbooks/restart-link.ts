/** A link of the mesh is down or too slow: it is closed and opened anew. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const restartLink: Runbook = {
  name: "restart-link",
  help: "closes a link of the mesh that is down or too slow, and opens it anew",
  does: "restart-link",
  targets: "link",
  triggers: [{ check: "mesh-link", turn: 1 }],
  tries: 2,
  blastRadius: { isFelt: true, says: "measurements take another way meanwhile" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "restart-link", target: object }),
  verify: isOver,
  undo: undefined,
};
