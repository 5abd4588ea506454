/** Tells one destination what is left to people, in order, each at least once; what is told twice has the same key. */
import { backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";

import type { Notification, Tale, Told } from "../core/notification.ts";
import { mayBeTold, notificationOf, outcomeOf } from "../core/notification.ts";
import { slackMessage } from "../core/slack-message.ts";
import type { Destination } from "./destinations.ts";
import type { NotifyMetrics } from "./metrics.ts";
import type { PostLimits } from "./post.ts";
import { post } from "./post.ts";
import { signed } from "./signature.ts";

const REPORTS_AT_ONCE = 100;
const LOOK_INTERVAL_MS = 1_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** A destination may ask for more patience, and for no more than this. */
const PATIENCE_MAX_MS = 600_000;
/** What a destination refuses so many times in a row it will never take. */
const REFUSALS_MAX = 5;
/** What this process could not tell for so long is told to nobody: it is in the journal. */
const PATIENCE_MS = 86_400_000;

/** A line of the journal that is still to be told. */
export interface Report extends Told {
  /** Number of the journal's line. */
  entry: number;
}

/** What one destination is still to be told. */
export interface Reports {
  /** Begins with what is written from now on; where it had begun before, it goes on. */
  begin(): Promise<void>;
  /** The oldest lines that have not been told, in order. */
  untold(limit: number): Promise<readonly Report[]>;
  /** This line and those before it have been told, or never will be. */
  told(entry: number): Promise<void>;
}

export interface NotifierDeps {
  destination: Destination;
  reports: Reports;
  /** Undefined: the incident has been forgotten. */
  story(incidentId: number): Promise<Tale | undefined>;
  /** Writes into an incident's story that nobody was told. */
  note(incidentId: number, text: string): Promise<void>;
  /** Its name. */
  opsbot: string;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: NotifyMetrics;
  limits?: PostLimits;
  signal: AbortSignal;
}

export class Notifier {
  readonly #deps: NotifierDeps;
  #problem = "";

  constructor(deps: NotifierDeps) {
    this.#deps = deps;
  }

  /** Until the signal is aborted. Never rejects. */
  async run(): Promise<void> {
    const { reports, clock, random, signal } = this.#deps;
    const retry = backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random });
    let hasBegun = false;
    while (!signal.aborted) {
      let waitMs = LOOK_INTERVAL_MS;
      try {
        if (!hasBegun) await reports.begin();
        hasBegun = true;
        await this.#tellAll();
        retry.reset();
      } catch (error) {
        this.#cannot(messageOf(error));
        waitMs = retry.nextMs();
      }
      await clock.sleep(waitMs, signal).catch(() => {});
    }
  }

  async #tellAll(): Promise<void> {
    const { reports, clock } = this.#deps;
    let batch: readonly Report[];
    do {
      batch = await reports.untold(REPORTS_AT_ONCE);
      // All of them wait from now on, by a clock that nobody sets.
      const sinceMs = clock.monotonicMs();
      let doneWith: number | undefined;
      for (const report of batch) {
        const notification = await this.#notificationOf(report);
        if (notification) {
          // What came before is not looked at again while this one waits.
          if (doneWith !== undefined) await reports.told(doneWith);
          if (!(await this.#tell(report, notification, sinceMs))) return;
          await reports.told(report.entry);
        }
        doneWith = notification ? undefined : report.entry;
      }
      if (doneWith !== undefined) await reports.told(doneWith);
    } while (batch.length === REPORTS_AT_ONCE);
  }

  async #notificationOf(report: Report): Promise<Notification | undefined> {
    if (!mayBeTold(report.kind)) return undefined;
    const { story, opsbot } = this.#deps;
    return notificationOf(report, await story(report.incidentId), opsbot);
  }

  /** Tries until it is done with. @returns whether it is: false when it is to end. */
  async #tell(report: Report, notification: Notification, sinceMs: number): Promise<boolean> {
    const { clock, random, signal } = this.#deps;
    const retry = backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random });
    let refusals = 0;
    while (!signal.aborted) {
      if (clock.monotonicMs() - sinceMs > PATIENCE_MS) return this.#giveUp(report, "too_old");
      const { outcome, retryAfterMs } = await this.#try(notification);
      if (outcome === "told") return true;
      refusals = outcome === "refused" ? refusals + 1 : 0;
      if (refusals === REFUSALS_MAX) return this.#giveUp(report, "refused");
      await clock.sleep(Math.max(retry.nextMs(), retryAfterMs), signal).catch(() => {});
    }
    return false;
  }

  async #try(notification: Notification) {
    const { destination, clock, metrics, signal, limits } = this.#deps;
    const { name, url, key } = destination;
    const body = JSON.stringify(bodyOf(destination, notification));
    const id = notification.key;
    const headers = {
      "user-agent": "glassline-opsbot",
      "idempotency-key": id,
      ...(key && signed(key, id, clock.nowMs(), body)),
    };
    try {
      const { status, retryAfter } = await post({ url, body, headers }, signal, limits);
      const outcome = outcomeOf(status);
      const result = outcome === "told" ? "told" : "failed";
      metrics.notifications.inc({ destination: name, result });
      this.#settle(outcome === "told" ? "" : `got ${status}, expected 200`);
      return { outcome, retryAfterMs: patienceMs(retryAfter, clock.nowMs()) };
    } catch (error) {
      if (!signal.aborted) {
        metrics.notifications.inc({ destination: name, result: "failed" });
        this.#settle(messageOf(error));
      }
      return { outcome: "failed" as const, retryAfterMs: 0 };
    }
  }

  async #giveUp({ incidentId, kind }: Report, result: "too_old" | "refused"): Promise<true> {
    const { destination, logger, metrics, note } = this.#deps;
    const why =
      result === "refused" ? `it refused ${REFUSALS_MAX} times` : "it took nothing for a day";
    await note(incidentId, `${destination.name} was not told "${kind}": ${why}`);
    metrics.notifications.inc({ destination: destination.name, result });
    const about = { destination: destination.name, incident: incidentId, what: kind, result };
    logger.error(about, "people were not told by webhook");
    return true;
  }

  #settle(problem: string): void {
    if (problem !== "") return this.#cannot(problem);
    const { destination, logger } = this.#deps;
    if (this.#problem !== "") logger.info({ destination: destination.name }, "webhooks go through");
    this.#problem = "";
  }

  /** Once a problem. */
  #cannot(problem: string): void {
    const { destination, logger, signal } = this.#deps;
    if (problem === this.#problem || signal.aborted) return;
    this.#problem = problem;
    logger.warn({ destination: destination.name, problem }, "people cannot be told by webhook");
  }
}

function bodyOf({ format }: Destination, notification: Notification): object {
  return format === "slack" ? slackMessage(notification) : notification;
}

/** Of a Retry-After field (RFC 9110 section 10.2.3): seconds, or a date. */
function patienceMs(retryAfter: string | undefined, nowMs: number): number {
  if (retryAfter === undefined) return 0;
  const isSeconds = /^\d{1,9}$/.test(retryAfter);
  const waitMs = isSeconds ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - nowMs;
  return Number.isNaN(waitMs) ? 0 : Math.min(PATIENCE_MAX_MS, Math.max(0, waitMs));
}
