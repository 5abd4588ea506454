import { FRESHNESS, judgeFreshness } from "../core/judge/channels.ts";
import { limits } from "./options.ts";
import { definePlugin } from "./plugin.ts";
import { lookAtStreams, streamProblem, streamSpec } from "./streams.ts";

export const freshness = definePlugin({
  name: "freshness",
  purpose: `How many segments the playlists of an edge are behind those of the origin.

CRITICAL also where the edge has no playlist of a channel. UNKNOWN: the edge or the origin does not answer.`,
  spec: { ...limits("the number of segments", FRESHNESS), ...streamSpec },
  examples: [
    "-p 7481 --name edge-1 --origin-port 7451 --origin-name origin",
    "--via http://localhost:7471 --origin-url http://localhost:7452 --channel cam-0001 -c 5",
  ],
  problem: streamProblem,
  run: ({ warning, critical, ...config }, context) =>
    lookAtStreams(config, context, (views) => judgeFreshness(views, { warning, critical })),
});
