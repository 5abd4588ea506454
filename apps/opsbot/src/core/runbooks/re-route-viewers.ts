/** An edge is too slow for its viewers: they are steered to the others until it is well again. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const reRouteViewers: Runbook = {
  name: "re-route-viewers",
  help: "steers the viewers of an edge that is too slow to the others",
  does: "re-route",
  targets: "edge",
  triggers: [{ check: "latency", turn: 1 }],
  tries: 1,
  blastRadius: { isFelt: true, says: "viewers of one edge play on from another" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "re-route", target: object }),
  verify: isOver,
  isForAWhile: true,
  undo: ({ target }) => ({ kind: "restore", target }),
};
