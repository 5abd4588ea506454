import { QueryService } from "@glassline/proto/query";

import { NOT_STORED, judgeIngestion } from "../core/judge/collectors.ts";
import { NOT_ANSWERING } from "../core/judge/edges.ts";
import { access, failedCall, targetProblem } from "./access.ts";
import { limits, target } from "./options.ts";
import { definePlugin } from "./plugin.ts";

export const ingestion = definePlugin({
  name: "ingestion",
  purpose: `Milliseconds in which a replica of the collector has not stored what comes.

It waits, or was refused: a disk that is full or too slow. CRITICAL also where the replica does not answer.`,
  spec: { ...limits("that time", NOT_STORED), ...target("the collector", "") },
  examples: ["-p 7411 --name collector -w 5000 -c 15000", "-u http://localhost:7410"],
  problem: targetProblem,
  run: async ({ warning, critical, ...config }, { signal }) => {
    using client = await access(QueryService, "collector", config);
    return await client.getStatus({}, signal).then(
      (status) => judgeIngestion(status, { warning, critical }),
      (error: unknown) => failedCall(error, NOT_ANSWERING),
    );
  },
});
