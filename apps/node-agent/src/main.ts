import { runApp } from "@glassline/service/app";

import { program } from "./config.ts";
import { startNodeAgent } from "./node-agent.ts";

await runApp(program, "node-agent", startNodeAgent);
