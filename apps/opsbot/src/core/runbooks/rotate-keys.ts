/** The keys of a link are to be new ones: by the mesh's own rules they are, and people may ask for it before. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const rotateKeys: Runbook = {
  name: "rotate-keys",
  help: "lets the two ends of a link agree on new keys",
  does: "rotate-keys",
  targets: "link",
  triggers: [{ check: "link-keys", turn: 1 }],
  tries: 2,
  blastRadius: { isFelt: true, says: "measurements take another way meanwhile" },
  observe: whileItLasts,
  plan: (object) => ({ kind: "rotate-keys", target: object }),
  verify: isOver,
  undo: undefined,
};
