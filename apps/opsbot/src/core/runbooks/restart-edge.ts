/** An edge does not answer, or forgetting did not help: it is started anew. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const restartEdge: Runbook = {
  name: "restart-edge",
  help: "starts an edge anew that does not answer, or whose playlists stay behind after a flush",
  does: "restart",
  targets: "edge",
  triggers: [
    { check: "health", turn: 1 },
    { check: "freshness", turn: 2 },
  ],
  tries: 2,
  blastRadius: { isFelt: true, says: "viewers of one edge go to another within a second" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "restart", target: object }),
  verify: isOver,
  undo: undefined,
};
