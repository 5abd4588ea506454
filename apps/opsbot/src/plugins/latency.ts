import { LATENCY, judgeLatency } from "../core/judge/channels.ts";
import { limits } from "./options.ts";
import { definePlugin } from "./plugin.ts";
import { lookAtStreams, streamProblem, streamSpec } from "./streams.ts";

export const latency = definePlugin({
  name: "latency",
  purpose: `Age of the newest frame that a viewer of an edge can get, in milliseconds.

Without -w and -c: WARNING from ${LATENCY.warning}, CRITICAL from ${LATENCY.critical} target durations of the channel on.
UNKNOWN: the edge or the origin does not answer.`,
  spec: { ...limits("the age, in milliseconds,"), ...streamSpec },
  examples: [
    "-p 7481 --name edge-1 --origin-port 7451 --origin-name origin",
    "--via http://localhost:7471 --origin-url http://localhost:7452 --channel cam-0001 -w 5000 -c 10000",
  ],
  problem: streamProblem,
  run: ({ warning, critical, ...config }, context) => {
    const given = warning || critical ? { warning, critical } : undefined;
    return lookAtStreams(config, context, (views) => judgeLatency(views, context.nowMs(), given));
  },
});
