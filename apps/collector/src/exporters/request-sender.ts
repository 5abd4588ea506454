/** Sends requests to one target, each until it is settled: again after a while when it failed, in halves when it was refused. */
import { backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";

import type { SignalName } from "../core/otlp-items.ts";
import { concat } from "../core/protobuf-fields.ts";
import type { ExporterMetrics } from "./exporter-metrics.ts";
import type { Part } from "./record-converter.ts";
import type { Outcome, Target } from "./target.ts";

export interface SenderDeps {
  /** The exporter's name. */
  name: string;
  target: Target;
  retry: { firstMs: number; maxMs: number };
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: ExporterMetrics;
  /** Nothing is begun any more. */
  stopping: AbortSignal;
  /** What is under way is given up. */
  stopped: AbortSignal;
}

/** A target cannot make the exporter wait for longer than this. */
const DELAY_MAX_MS = 3_600_000;
/** Refusals of a signal, whatever the request holds. */
const WHOLE_SIGNAL: ReadonlySet<string> = new Set(["unimplemented", "http_404", "http_405"]);
/** Of the same kind of refusal one is logged in this time; all are counted. */
const REFUSAL_LOG_MS = 30_000;

export class RequestSender {
  readonly #deps: SenderDeps;
  #isFailing = false;
  readonly #loggedAtMs = new Map<string, number>();

  constructor(deps: SenderDeps) {
    this.#deps = deps;
  }

  /** Resolves when every part is taken or refused for good. Rejects with the reason of `stopping`. */
  async settle(signal: SignalName, parts: readonly Part[]): Promise<void> {
    const { name, metrics } = this.#deps;
    const items = parts.reduce((sum, part) => sum + part.items, 0);
    const outcome = await this.#sendOn(signal, parts, items);
    if (outcome.kind === "taken") {
      const { rejected, message } = outcome;
      const records = parts.filter(({ isLast }) => isLast).length;
      metrics.records.inc({ exporter: name, signal }, records);
      metrics.items.inc({ exporter: name, signal }, Math.max(0, items - rejected));
      if (rejected > 0) this.#dropped(signal, "partial_success", rejected, message);
      return;
    }
    if (parts.length === 1 || WHOLE_SIGNAL.has(outcome.reason))
      return this.#dropped(signal, outcome.reason, items, outcome.message);
    // One record must not take its neighbours with it; and a half may be small enough.
    const half = Math.ceil(parts.length / 2);
    await this.settle(signal, parts.slice(0, half));
    await this.settle(signal, parts.slice(half));
  }

  async #sendOn(
    signal: SignalName,
    parts: readonly Part[],
    items: number,
  ): Promise<Exclude<Outcome, { kind: "failed" }>> {
    const { target, clock, random, retry, stopping, stopped } = this.#deps;
    const wait = backoff({ ...retry, random });
    const body = concat(parts.map((part) => part.body));
    for (;;) {
      stopping.throwIfAborted();
      const outcome = await target.send({ signal, body, items }, stopped);
      if (outcome.kind !== "failed") {
        this.#works();
        return outcome;
      }
      this.#failed(outcome);
      const delayMs = Math.max(wait.nextMs(), outcome.delayMs ?? 0);
      await clock.sleep(Math.min(delayMs, DELAY_MAX_MS), stopping);
    }
  }

  #failed({ reason, message }: Extract<Outcome, { kind: "failed" }>): void {
    const { name, target, logger, metrics, stopped } = this.#deps;
    if (stopped.aborted) return;
    metrics.failures.inc({ exporter: name, reason });
    if (this.#isFailing) return;
    this.#isFailing = true;
    const details = { exporter: name, target: target.address, reason, message };
    logger.warn(details, "the target does not take requests; they are sent until it does");
  }

  #works(): void {
    const { name, target, logger } = this.#deps;
    if (!this.#isFailing) return;
    this.#isFailing = false;
    logger.info({ exporter: name, target: target.address }, "the target takes requests again");
  }

  #dropped(signal: SignalName, reason: string, items: number, message: string): void {
    const { name, target, clock, logger, metrics } = this.#deps;
    metrics.dropped.inc({ exporter: name, signal, reason }, items);
    const [key, nowMs] = [`${signal} ${reason}`, clock.monotonicMs()];
    if (nowMs - (this.#loggedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < REFUSAL_LOG_MS) return;
    this.#loggedAtMs.set(key, nowMs);
    const details = { exporter: name, target: target.address, signal, reason, items, message };
    logger.warn(details, "the target refused for good what was sent; it is dropped and counted");
  }
}
