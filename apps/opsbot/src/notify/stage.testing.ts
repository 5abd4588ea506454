/** Notifiers at work: on a real journal, with a clock on which waiting is short. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Clock } from "@glassline/service/clock";
import { systemClock } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { onTestFinished, vi } from "vitest";

import type { Destination } from "./destinations.ts";
import { notifyMetrics } from "./metrics.ts";
import type { NotifierDeps } from "./notifier.ts";
import { Notifier } from "./notifier.ts";
import type { Outbox } from "./outbox.testing.ts";
import { openOutbox } from "./outbox.testing.ts";
import type { Heard, WebhookServer } from "./webhook-server.testing.ts";

const HASTE = 20;

export const hasty: Clock = {
  ...systemClock,
  sleep: (lengthMs, signal) => systemClock.sleep(lengthMs / HASTE, signal),
};

export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "glassline-notify-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const eventually = (expected: () => void | Promise<void>) =>
  vi.waitFor(expected, { timeout: 20_000, interval: 10 });

export interface Stage {
  outbox: Outbox;
  deps: Pick<NotifierDeps, "clock" | "random" | "logger" | "limits">;
  /** What was logged, as JSON. */
  logged: string[];
  /** Begins to tell, and has begun when it resolves. */
  tell(
    destination: Partial<Destination> & { url: URL },
    more?: Partial<NotifierDeps>,
  ): Promise<void>;
  /** "failed" of a destination, so often. */
  counted(result: string, destination?: string): Promise<number>;
}

/** @param now Unix nanoseconds, of the journal. */
export async function openStage(now = () => systemClock.nowUnixNano()): Promise<Stage> {
  const outbox = await openOutbox(scratch(), now);
  const stop = new AbortController();
  const runs: Promise<void>[] = [];
  onTestFinished(async () => {
    stop.abort();
    await Promise.all(runs);
    await outbox[Symbol.asyncDispose]();
  });
  const metrics = notifyMetrics(createMetrics("opsbot"));
  const logged: string[] = [];
  const log = (about: object, message: string) =>
    void logged.push(JSON.stringify([message, about]));
  const { journal } = outbox;
  const deps: Stage["deps"] = {
    clock: hasty,
    random: Math.random,
    logger: { info: log, warn: log, error: log } as unknown as Logger,
    limits: { timeoutMs: 500 },
  };
  const story = async (id: number) => {
    const incident = await journal.incident(id);
    return incident && { incident, entries: await journal.entries(id) };
  };
  return {
    outbox,
    deps,
    logged,
    tell: async ({ name = "on-call", ...rest }, more = {}) => {
      const reports = journal.reports(`webhook ${name}`);
      await reports.begin();
      const destination = { format: "json" as const, key: undefined, name, ...rest };
      const note = (id: number, text: string) => outbox.note(id, "decided", text);
      const about = { destination, reports, story, note, opsbot: "opsbot", metrics };
      runs.push(new Notifier({ ...deps, ...about, signal: stop.signal, ...more }).run());
    },
    counted: async (result, destination = "on-call") => {
      const { values } = await metrics.notifications.get();
      const one = values.find(
        ({ labels }) => labels.result === result && labels.destination === destination,
      );
      return one?.value ?? 0;
    },
  };
}

/** Of an address: no log shows it. */
export const SECRET_PATH = "/services/T000/B000/a-secret-of-the-channel";

export const at = ({ url }: { url: string }) => new URL(SECRET_PATH, url);
export const bodyOf = ({ body }: Heard) => JSON.parse(body) as Record<string, never>;
export const keysOf = ({ heard }: WebhookServer) =>
  heard.map(({ headers }) => headers["idempotency-key"]);

/** An incident with a story that ends with a person being asked. */
export async function escalate({ outbox }: Stage, object = "edge-1"): Promise<number> {
  const id = await outbox.open(object, "freshness", "3 segments behind");
  await outbox.note(id, "decided", `flush ${object}'s cache (1 of 12)`);
  await outbox.note(id, "intent", `flush ${object}'s cache`);
  await outbox.note(id, "done", "7 objects");
  await outbox.note(id, "escalated", "1 actions did not help. A person should look.");
  return id;
}
