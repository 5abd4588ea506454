/** A channel is described: it is brought to its viewers, or is mended when something is otherwise than described. */
import type { Runbook } from "./runbook.ts";
import { isOver, whileItLasts } from "./runbook.ts";

export const deployChannel: Runbook = {
  name: "deploy-channel",
  help: "brings a channel to what its description says, in six steps",
  does: "deploy",
  targets: "channel",
  triggers: [{ check: "drift", turn: 1 }],
  tries: 2,
  blastRadius: {
    isFelt: false,
    says: "edges that change are replaced one after another; what falls short is taken back",
  },
  observe: whileItLasts,
  plan: (object) => ({ kind: "deploy", target: object }),
  verify: isOver,
  undo: undefined,
};
