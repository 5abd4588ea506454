/** An edge is to be worked on: its viewers go first. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const drainEdge: Runbook = {
  name: "drain-edge",
  help: "steers the viewers of an edge to the others, and waits until they have gone",
  does: "drain",
  targets: "edge",
  triggers: [],
  tries: 1,
  blastRadius: { isFelt: true, says: "viewers of one edge play on from another" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "drain", target: object }),
  verify: isOver,
  undo: ({ target }) => ({ kind: "restore", target }),
};
