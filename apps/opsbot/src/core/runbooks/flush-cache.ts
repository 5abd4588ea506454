/** An edge shows old playlists: it forgets what it holds, and fetches anew. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const flushCache: Runbook = {
  name: "flush-cache",
  help: "forgets what an edge holds, when its playlists are behind the origin's",
  does: "flush",
  targets: "edge",
  triggers: [{ check: "freshness", turn: 1 }],
  tries: 1,
  blastRadius: { isFelt: true, says: "viewers of one edge wait for the origin once" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "flush", target: object }),
  verify: isOver,
  undo: undefined,
};
