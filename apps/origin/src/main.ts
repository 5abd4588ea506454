import { runApp } from "@glassline/service/app";

import { program } from "./config.ts";
import { startOrigin } from "./origin.ts";

await runApp(program, "origin", startOrigin);
