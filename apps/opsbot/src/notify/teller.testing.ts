/** A process that tells one address what its journal leaves to people, until it is killed: FOLDER URL [forgetful]. */
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";

import { notifyMetrics } from "./metrics.ts";
import { Notifier } from "./notifier.ts";
import { openOutbox } from "./outbox.testing.ts";

const [directory = "", address = "", forgetful] = process.argv.slice(2);
const outbox = await openOutbox(directory, () => systemClock.nowUnixNano());
const reports = outbox.reports("webhook on-call");
await reports.begin();
await new Notifier({
  destination: { name: "on-call", format: "json", url: new URL(address), key: undefined },
  reports: {
    ...reports,
    // What was told is never written down: it is killed before.
    ...(forgetful && { told: () => new Promise<void>(() => {}) }),
  },
  story: outbox.story,
  opsbot: "opsbot",
  clock: systemClock,
  random: Math.random,
  logger: createLogger("opsbot", "silent"),
  metrics: notifyMetrics(createMetrics("opsbot")),
  signal: new AbortController().signal,
}).run();
