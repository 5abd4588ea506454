import { runApp } from "@glassline/service/app";

import { program } from "./config.ts";
import { startEdgeCache } from "./edge-cache.ts";

await runApp(program, "edge-cache", startEdgeCache);
