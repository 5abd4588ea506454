import { MeshAdminService } from "@glassline/proto/mesh";

import { judgeLinks } from "../core/judge/links.ts";
import type { Verdict } from "../core/verdict.ts";
import { access, failedCall, targetProblem } from "./access.ts";
import { limits, names, target } from "./options.ts";
import { definePlugin } from "./plugin.ts";

const UNKNOWN_NODE: Verdict = { state: "unknown", output: "the mesh node does not answer" };

export const meshLink = definePlugin({
  name: "mesh-link",
  purpose: `Links of a mesh node to its neighbours.

CRITICAL: a link of --link is down, or the node has none at all. UNKNOWN: the node does not answer.
A node tells only of links that it has: name with --link those that it must have.`,
  spec: {
    ...limits("a round trip, in milliseconds,"),
    link: names("A neighbour that must be linked."),
    ...target("the mesh node", ""),
  },
  examples: ["-p 7421 --name node-1 --link node-2 --link node-3 -w 50", "-u http://localhost:7431"],
  problem: targetProblem,
  run: async ({ warning, critical, link, ...config }, { signal }) => {
    using client = await access(MeshAdminService, "mesh-node", config);
    return await client.getStatus({}, signal).then(
      ({ links }) => judgeLinks(links, link, { warning, critical }),
      (error: unknown) => failedCall(error, UNKNOWN_NODE),
    );
  },
});
