import { OriginService } from "@glassline/proto/origin";

import { judgeChannels } from "../core/judge/channels.ts";
import { NOT_ANSWERING } from "../core/judge/edges.ts";
import { access, failedCall, targetProblem } from "./access.ts";
import { limits, names, target } from "./options.ts";
import { definePlugin } from "./plugin.ts";

export const origin = definePlugin({
  name: "origin",
  purpose: `Health of an origin: whether it tells its channels.

CRITICAL: it does not answer, a channel of --channel is not there, or its encoder does not send.`,
  spec: {
    ...limits("the number of channels"),
    channel: names("A channel that must be there, and live."),
    ...target("the origin", ""),
  },
  examples: ["-p 7451 --name origin --channel cam-0001", "-u http://localhost:7452 -c 1:"],
  problem: targetProblem,
  run: async ({ warning, critical, channel: expected, ...config }, { signal, nowMs }) => {
    using client = await access(OriginService, "origin", config);
    return await client.listChannels({}, signal).then(
      ({ channels }) =>
        judgeChannels(channels, nowMs(), { expected, limits: { warning, critical } }),
      (error: unknown) => failedCall(error, NOT_ANSWERING),
    );
  },
});
