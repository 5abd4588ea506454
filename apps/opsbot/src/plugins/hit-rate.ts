import { integer } from "@glassline/config";
import { EdgeCacheService } from "@glassline/proto/edge";

import {
  HIT_RATE,
  HIT_RATE_LEAST_VIEWERS,
  UNKNOWN_EDGE,
  judgeHitRate,
} from "../core/judge/edges.ts";
import type { Verdict } from "../core/verdict.ts";
import { access, failedCall, targetProblem } from "./access.ts";
import { limits, target } from "./options.ts";
import { definePlugin } from "./plugin.ts";

const UNTOLD: Verdict = { state: "unknown", output: "the edge tells no traffic" };

export const hitRate = definePlugin({
  name: "hit-rate",
  purpose: `Percent of an edge's requests of the last minute that were served without the origin.

UNKNOWN: the edge does not answer. With few viewers it is OK.`,
  spec: {
    ...limits("the percentage", HIT_RATE),
    leastViewers: integer({
      help: "With fewer viewers it is not judged.",
      default: String(HIT_RATE_LEAST_VIEWERS),
      min: 0,
      max: 1_000_000,
    }),
    ...target("the edge", ""),
  },
  examples: ["-p 7481 --name edge-1 -w 80: -c 50:", "-u http://localhost:7491 --least-viewers 1"],
  problem: targetProblem,
  run: async ({ warning, critical, leastViewers, ...config }, { signal }) => {
    using client = await access(EdgeCacheService, "edge-cache", config);
    return await client.getStatus({}, signal).then(
      (status) => judgeHitRate(status, { warning, critical }, leastViewers) ?? UNTOLD,
      (error: unknown) => failedCall(error, UNKNOWN_EDGE),
    );
  },
});
