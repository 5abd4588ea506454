import { runApp } from "@glassline/service/app";

import { startCamera } from "./camera.ts";
import { program } from "./config.ts";

await runApp(program, "camera", startCamera);
