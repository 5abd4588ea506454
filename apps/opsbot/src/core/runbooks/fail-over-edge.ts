/** An edge cannot be mended where it runs: it runs on another machine. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const failOverEdge: Runbook = {
  name: "fail-over-edge",
  help: "runs an edge on another machine, when starting it anew did not help",
  does: "fail-over",
  targets: "edge",
  triggers: [{ check: "health", turn: 2 }],
  tries: 1,
  blastRadius: { isFelt: true, says: "viewers of one edge go to another within a second" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "fail-over", target: object }),
  verify: isOver,
  undo: (action) =>
    action.kind === "fail-over" && action.from !== undefined
      ? { kind: "fail-over", target: action.target, machine: action.from }
      : undefined,
};
