import { EdgeCacheService } from "@glassline/proto/edge";

import { NOT_ANSWERING, judgeHealth } from "../core/judge/edges.ts";
import { access, failedCall, targetProblem } from "./access.ts";
import { target } from "./options.ts";
import { definePlugin } from "./plugin.ts";

export const edge = definePlugin({
  name: "edge",
  purpose: `Health of an edge cache.

OK: it answers. WARNING: it does not reach its origin. CRITICAL: it does not answer.`,
  spec: target("the edge", ""),
  examples: ["-p 7481 --name edge-1 --pki-dir .glassline/pki", "-u http://localhost:7491"],
  problem: targetProblem,
  run: async (config, { signal }) => {
    using client = await access(EdgeCacheService, "edge-cache", config);
    return await client
      .getStatus({}, signal)
      .then(judgeHealth, (error: unknown) => failedCall(error, NOT_ANSWERING));
  },
});
