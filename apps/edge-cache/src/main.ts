import { setFlagsFromString } from "node:v8";

import { runApp } from "@glassline/service/app";
import { STOP_DEADLINE_MS } from "@glassline/service/main";

import { program } from "./config.ts";
import { startEdgeCache } from "./edge-cache.ts";

await runApp(
  program,
  "edge-cache",
  async (config, deps) => {
    const edge = await startEdgeCache(config, deps);
    // From now on most of the heap is the store, which stays: V8 collects when it has grown by a quarter, instead of by as much again or more.
    setFlagsFromString("--heap-growing-percent=25");
    return edge;
  },
  {
    // In front of any other origin than Glassline's, an edge needs nobody.
    standsAlone: ({ originTrust, originEdge }) => originTrust === "system" && originEdge === "",
    stopDeadlineMs: ({ drain }) => drain + STOP_DEADLINE_MS,
  },
);
