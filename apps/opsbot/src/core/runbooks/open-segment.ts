/** An overlay loses packets, peers or bytes of its MTU: a new VXLAN segment takes its place. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const openSegment: Runbook = {
  name: "open-segment",
  help: "opens a new VXLAN segment for an overlay that is not whole, and moves its channels to it",
  does: "open-segment",
  targets: "overlay",
  triggers: [{ check: "network", turn: 1 }],
  tries: 1,
  blastRadius: {
    isFelt: true,
    says: "edges of the overlay fetch by the new segment; viewers play on from their buffers",
  },
  observe: whileItLasts,
  plan: (object) => ({ kind: "open-segment", target: object }),
  verify: isOver,
  undo: undefined,
};
