import { runApp } from "@glassline/service/app";
import { STOP_DEADLINE_MS } from "@glassline/service/main";

import { program } from "./config.ts";
import { startNodeAgent } from "./node-agent.ts";

// Its edges end before it does.
await runApp(program, "node-agent", startNodeAgent, {
  stopDeadlineMs: ({ edgeDrain }) => edgeDrain + STOP_DEADLINE_MS,
});
