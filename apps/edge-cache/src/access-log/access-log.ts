/** The access log: a sample of what was asked, written behind the requests' backs. */
import { setTimeout as delay } from "node:timers/promises";

import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";

import type { AccessEntry } from "../core/access-line.ts";
import { accessLine } from "../core/access-line.ts";
import type { EdgeMetrics } from "../metrics.ts";
import type { LogOutput } from "./log-output.ts";

/** Of lines that wait; more are dropped and counted. */
const WAITING_MAX_CHARS = 4_194_304;
const BATCH_MS = 200;

export interface AccessLogDeps {
  output: LogOutput;
  /** Share of the requests that are logged; those that fail are logged always. */
  sample: number;
  random: Random;
  metrics: EdgeMetrics;
  logger: Logger;
}

export class AccessLog implements AsyncDisposable {
  readonly #deps: AccessLogDeps;
  #waiting: string[] = [];
  #waitingChars = 0;
  #writing: Promise<void> | undefined;
  #isClosed = false;
  #isFailing = false;

  constructor(deps: AccessLogDeps) {
    this.#deps = deps;
  }

  /** Whether a request with this answer is logged: asked once a request. */
  wants(status: number): boolean {
    const { sample, random } = this.#deps;
    return status >= 500 || sample === 1 || random() < sample;
  }

  add(entry: AccessEntry): void {
    if (this.#isClosed || this.#waitingChars >= WAITING_MAX_CHARS)
      return this.#deps.metrics.accessLogDropped.inc({ reason: "queue_full" });
    const line = accessLine(entry);
    this.#waiting.push(line);
    this.#waitingChars += line.length;
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    const { output } = this.#deps;
    while (this.#waiting.length > 0) {
      if (!this.#isClosed) await delay(BATCH_MS);
      const lines = this.#waiting;
      this.#waiting = [];
      this.#waitingChars = 0;
      try {
        await output.write(lines);
        this.#isFailing = false;
      } catch (error) {
        this.#failed(error, lines.length);
      }
    }
    this.#writing = undefined;
  }

  #failed(error: unknown, lines: number): void {
    const { metrics, logger } = this.#deps;
    metrics.accessLogDropped.inc({ reason: "write_failed" }, lines);
    if (!this.#isFailing)
      logger.warn({ reason: messageOf(error) }, "the access log is not written");
    this.#isFailing = true;
  }

  /** What waits is written first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#deps.output[Symbol.asyncDispose]();
  }
}
