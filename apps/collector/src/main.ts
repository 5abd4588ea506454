import { runApp } from "@glassline/service/app";

import { startCollector } from "./collector.ts";
import { program } from "./config.ts";

await runApp(program, "collector", (config, deps, { startAnew }) =>
  startCollector(config, { ...deps, startAnew }),
);
