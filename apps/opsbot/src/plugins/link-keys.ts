import { MeshAdminService } from "@glassline/proto/mesh";

import { judgeKeys, keyLimits } from "../core/judge/keys.ts";
import type { Verdict } from "../core/verdict.ts";
import { access, failedCall, targetProblem } from "./access.ts";
import { limits, names, target } from "./options.ts";
import { definePlugin } from "./plugin.ts";

const UNKNOWN_NODE: Verdict = { state: "unknown", output: "the mesh node does not answer" };
const NO_LINK: Verdict = { state: "unknown", output: "there is no such link" };
const OTHER_END: Verdict = { state: "ok", output: "the other end dials, and tells" };

export const linkKeys = definePlugin({
  name: "link-keys",
  purpose: `Days since the ends of a link of the mesh agreed on keys.

CRITICAL, too, when somebody listens on the quantum link below it. The end that dials tells. Left out, CRITICAL is 7 to 8 days, by the link's name, so that links are not all given new keys at once.
UNKNOWN: the node does not answer, or the link is down.`,
  spec: {
    ...limits("that age, in days,"),
    link: names("The neighbour at the other end."),
    ...target("the mesh node", ""),
  },
  examples: ["-p 7421 --name node-1 --link node-2", "-u http://localhost:7431 --link node-2 -c 30"],
  problem: ({ link, ...config }) =>
    link.length === 1
      ? targetProblem(config)
      : `--link: got ${link.length}, expected the neighbour at the other end.`,
  run: async ({ warning, critical, link: [neighbour = ""], ...config }, { signal, nowMs }) => {
    using client = await access(MeshAdminService, "mesh-node", config);
    try {
      const { node, links } = await client.getStatus({}, signal);
      const link = links.find((one) => one.neighbour === neighbour);
      const name = `${node}/${neighbour}`;
      const wished = { warning, critical: critical ?? keyLimits(name).critical };
      return link ? (judgeKeys(name, link, nowMs(), wished) ?? OTHER_END) : NO_LINK;
    } catch (error) {
      return failedCall(error, UNKNOWN_NODE);
    }
  },
});
