import { simulatedClock } from "@glassline/service/clock/testing";

import { deskContract } from "./desk.contract.testing.ts";
import { MemoryDesk } from "./desk.testing.ts";

deskContract("a desk in memory", async () => {
  const clock = simulatedClock();
  return { desk: new MemoryDesk(clock), clock };
});
