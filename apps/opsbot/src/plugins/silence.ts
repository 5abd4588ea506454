import { QueryService } from "@glassline/proto/query";

import { SILENCE, judgeSilence } from "../core/judge/cameras.ts";
import type { Verdict } from "../core/verdict.ts";
import { silentOf } from "../observers/silence.ts";
import { access, failedCall, targetProblem } from "./access.ts";
import { limits, target } from "./options.ts";
import { definePlugin } from "./plugin.ts";

const UNKNOWN_COLLECTOR: Verdict = { state: "unknown", output: "the collector does not answer" };

export const silence = definePlugin({
  name: "silence",
  purpose: `Percent of cameras of which the collector hears nothing.

UNKNOWN: the collector does not answer. How long a camera may be silent is the collector's --silence-limit.`,
  spec: { ...limits("the percentage", SILENCE), ...target("the collector", "") },
  examples: ["-p 7411 --name collector -w 0 -c 10", "-u http://localhost:7410 -c 50"],
  problem: targetProblem,
  run: async ({ warning, critical, ...config }, { signal }) => {
    using client = await access(QueryService, "collector", config);
    return await client.listCameras({}, signal).then(
      ({ cameras }) => judgeSilence(silentOf(cameras), cameras.length, { warning, critical }),
      (error: unknown) => failedCall(error, UNKNOWN_COLLECTOR),
    );
  },
});
