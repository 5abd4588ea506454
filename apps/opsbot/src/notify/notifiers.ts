/** All whom OpsBot tells by webhook, each by itself. */
import type { Destination } from "./destinations.ts";
import type { NotifierDeps, Reports } from "./notifier.ts";
import { Notifier } from "./notifier.ts";

export interface NotifiersDeps extends Pick<
  NotifierDeps,
  "story" | "opsbot" | "clock" | "random" | "logger" | "metrics" | "limits"
> {
  /** What a listener is still to be told, by its name. */
  reportsOf(listener: string): Reports;
}

/**
 * Of several replicas the one that leads tells: this is for one of its terms. What is written once this resolves is told, and nothing asks
 * the journal when it has been disposed of. Rejects when the journal cannot be written.
 */
export async function startNotifiers(
  destinations: readonly Destination[],
  { reportsOf, ...rest }: NotifiersDeps,
): Promise<AsyncDisposable> {
  const stop = new AbortController();
  const notifiers = await Promise.all(
    destinations.map(async (destination) => {
      const reports = reportsOf(`webhook ${destination.name}`);
      await reports.begin();
      return new Notifier({ ...rest, destination, reports, signal: stop.signal });
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
