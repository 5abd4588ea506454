import { runApp } from "@glassline/service/app";

import { startMeshNode } from "./mesh-node.ts";
import { program } from "./config.ts";

await runApp(program, "mesh-node", startMeshNode);
