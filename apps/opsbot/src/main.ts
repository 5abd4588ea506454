import { runApp } from "@glassline/service/app";

import { program } from "./config.ts";
import { startOpsBot } from "./opsbot.ts";

await runApp(program, "opsbot", (config, deps) => startOpsBot(config, deps));
