import { runApp } from "@glassline/service/app";

import { program } from "./config.ts";
import { startKme } from "./kme.ts";

await runApp(program, "kme", startKme);
