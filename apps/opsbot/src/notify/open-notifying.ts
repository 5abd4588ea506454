/** All whom OpsBot tells by webhook, as they are configured. */
import type { AppDeps } from "@glassline/service/app";

import type { OpsBotConfig } from "../config.ts";
import type { Tale } from "../core/notification.ts";
import { readDestinations } from "./destinations.ts";
import type { Records } from "../stores/journal.ts";
import { notifyMetrics } from "./metrics.ts";
import type { NotifierDeps, Reports } from "./notifier.ts";
import { Notifier } from "./notifier.ts";

/** What is told is in the journal. */
export interface ToldFrom {
  reports(listener: string): Reports;
  incident(id: number): Promise<Tale["incident"] | undefined>;
  entries(id: number): Promise<Tale["entries"]>;
  transact(work: (records: Pick<Records, "incident" | "note">) => Promise<void>): Promise<void>;
}

type NotifyingConfig = Parameters<typeof readDestinations>[0] & Pick<OpsBotConfig, "name">;
type NotifyingDeps = Pick<AppDeps, "clock" | "random" | "logger" | "metrics"> &
  Pick<NotifierDeps, "limits">;

/**
 * Rejects with OperatorError.
 * @returns what tells until the signal is aborted, each destination by itself, and never rejects: for one term, since of several replicas the
 * one that leads tells.
 */
export async function openNotifying(
  config: NotifyingConfig,
  journal: ToldFrom,
  { metrics: registry, ...deps }: NotifyingDeps,
): Promise<(signal: AbortSignal) => Promise<void>> {
  const destinations = await readDestinations(config);
  const metrics = notifyMetrics(registry);
  const story = async (id: number) => {
    const incident = await journal.incident(id);
    return incident && { incident, entries: await journal.entries(id) };
  };
  const note = (id: number, text: string) =>
    journal.transact(async (records) => {
      if (await records.incident(id)) await records.note(id, "decided", text);
    });
  return async (signal) => {
    const runs = destinations.map((destination) => {
      const reports = journal.reports(`webhook ${destination.name}`);
      const about = { destination, reports, story, note, opsbot: config.name };
      return new Notifier({ ...deps, ...about, metrics, signal }).run();
    });
    await Promise.all(runs);
  };
}
