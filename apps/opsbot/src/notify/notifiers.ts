/** All whom OpsBot tells by webhook, each by itself. */
import type { Metrics } from "@glassline/service/metrics";

import { readDestinations } from "./destinations.ts";
import { notifyMetrics } from "./metrics.ts";
import type { NotifierDeps, Reports } from "./notifier.ts";
import { Notifier } from "./notifier.ts";

export interface NotifiersDeps extends Pick<
  NotifierDeps,
  "story" | "opsbot" | "leads" | "clock" | "random" | "logger" | "limits"
> {
  /** What a listener is still to be told, by its name. */
  reportsOf(listener: string): Reports;
  metrics: Metrics;
}

/**
 * Whatever is written once this resolves is told. Rejects with OperatorError, and when the journal cannot be written.
 * Nothing asks the journal any more when it has been disposed of.
 */
export async function startNotifiers(
  config: Parameters<typeof readDestinations>[0],
  { reportsOf, metrics: registry, ...rest }: NotifiersDeps,
): Promise<AsyncDisposable> {
  const destinations = await readDestinations(config);
  const metrics = notifyMetrics(registry);
  const stop = new AbortController();
  const notifiers = await Promise.all(
    destinations.map(async (destination) => {
      const reports = reportsOf(`webhook ${destination.name}`);
      await reports.begin();
      return new Notifier({ ...rest, destination, reports, metrics, signal: stop.signal });
    }),
  );
  const runs = notifiers.map((notifier) => notifier.run());
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(runs);
    },
  };
}
