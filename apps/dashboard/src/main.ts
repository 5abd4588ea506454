import { runApp } from "@glassline/service/app";

import { startDashboard } from "./dashboard.ts";
import { program } from "./config.ts";

await runApp(program, "dashboard", startDashboard);
