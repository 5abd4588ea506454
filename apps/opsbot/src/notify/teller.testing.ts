/** A process that tells one address what its journal leaves to people, until it is killed: FOLDER URL [forgetful]. */
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";

import { openNotifying } from "./open-notifying.ts";
import { openOutbox } from "./outbox.testing.ts";

const [directory = "", address = "", forgetful] = process.argv.slice(2);
const outbox = await openOutbox(directory, () => systemClock.nowUnixNano());
const { journal } = outbox;
const reportsOf = (listener: string) => ({
  ...journal.reports(listener),
  // What was told is never written down: it is killed before.
  ...(forgetful && { told: () => new Promise<void>(() => {}) }),
});
const tell = await openNotifying(
  {
    name: "opsbot",
    webhook: [`on-call=${address}`],
    slackWebhook: [],
    webhookFile: "",
    webhookSecret: "",
  },
  { ...journal, reports: reportsOf },
  {
    clock: systemClock,
    random: Math.random,
    logger: createLogger("opsbot", "silent"),
    metrics: createMetrics("opsbot"),
  },
);
await tell(new AbortController().signal);
