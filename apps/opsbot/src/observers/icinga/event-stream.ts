/**
 * Icinga's event stream, as hints: it is late by seconds, and what it does not say during a reload is never said.
 * Source: https://icinga.com/docs/icinga-2/latest/doc/12-icinga2-api/#event-streams
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";

import type { IcingaClient } from "./client.ts";
import { IcingaError } from "./icinga-error.ts";
import type { IcingaMetrics } from "./metrics.ts";

const TYPES = [
  "StateChange",
  "AcknowledgementSet",
  "AcknowledgementCleared",
  "DowntimeStarted",
  "DowntimeTriggered",
  "DowntimeRemoved",
  "Flapping",
];
/** What OpsBot tells Icinga as the result of its heartbeat, and expects to hear from the stream. */
const HEARTBEAT = "OpsBot listens";
const FILTER = `event.type != "CheckResult" || match("${HEARTBEAT}*", event.check_result.output)`;
const HEARTBEAT_INTERVAL_MS = 1_000;
/** Events may be late by 5 s. */
const SILENCE_WITH_HEARTBEAT_MS = 15_000;
/** A quiet network says nothing for longer; opening the stream anew costs little, and the poll does not need it. */
const SILENCE_MS = 60_000;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 10_000;
/** A right is not given in seconds. */
const RETRY_WITHOUT_PERMISSION_MS = 30_000;
const WATCH_INTERVAL_MS = 500;
/** Of a line: enough to see that it is a heartbeat. Plugins' outputs may make it longer than any buffer. */
const LINE_SEEN_BYTES = 16_384;
const NEWLINE = 10;

export interface EventStreamDeps {
  client: IcingaClient;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: IcingaMetrics;
  /** The name of the service that takes heartbeats; undefined while none is known. */
  heartbeat: () => string | undefined;
  hint: () => void;
  signal: AbortSignal;
  limits?: { silenceMs?: number; silenceWithHeartbeatMs?: number };
}

export class EventStream {
  readonly #deps: EventStreamDeps;
  #heardMs = 0;
  #problem = "it has not been opened yet";

  constructor(deps: EventStreamDeps) {
    this.#deps = deps;
  }

  /** Why events do not come at present; empty when they do. */
  get problem(): string {
    return this.#problem;
  }

  /** Opens the stream, again and again, until the signal is aborted. */
  async run(): Promise<void> {
    const { clock, random, signal } = this.#deps;
    const retry = backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random });
    while (!signal.aborted) {
      const isDenied = await this.#once(() => retry.reset());
      const waitMs = isDenied ? RETRY_WITHOUT_PERMISSION_MS : retry.nextMs();
      await clock.sleep(waitMs, signal).catch(() => {});
    }
  }

  /** @returns whether it is of no use to try again soon. */
  async #once(opened: () => void): Promise<boolean> {
    const { client, metrics, signal, hint, clock } = this.#deps;
    const end = new AbortController();
    const both = AbortSignal.any([signal, end.signal]);
    this.#heardMs = clock.monotonicMs();
    const heartbeat = this.#deps.heartbeat();
    const watching = this.#watch(heartbeat, end);
    try {
      const queue = `glassline-opsbot-${randomUUID()}`;
      const types = heartbeat === undefined ? TYPES : [...TYPES, "CheckResult"];
      const answer = await client.events({ queue, types, filter: FILTER }, both);
      this.#settle("");
      metrics.streamUp.set(1);
      opened();
      // What happened while nobody listened is not told.
      hint();
      await this.#read(answer);
      this.#settle("the stream of events has ended");
      return false;
    } catch (error) {
      return this.#failed(error, end.signal);
    } finally {
      metrics.streamUp.set(0);
      end.abort();
      await watching;
      if (!signal.aborted) hint();
    }
  }

  #failed(error: unknown, ended: AbortSignal): boolean {
    const isDenied = error instanceof IcingaError && error.fault === "not-found";
    const reason = messageOf(ended.aborted ? ended.reason : error);
    this.#settle(isDenied ? `${reason} events/*` : reason);
    return isDenied;
  }

  #settle(problem: string): void {
    const { logger, metrics, signal } = this.#deps;
    if (problem === this.#problem || signal.aborted) return;
    this.#problem = problem;
    if (problem === "") logger.info("events of Icinga are heard");
    else logger.warn({ problem }, "no events of Icinga: looks alone tell what happens");
    metrics.streams.inc({ result: problem === "" ? "opened" : "ended" });
  }

  /** Each line is a hint but a heartbeat's; what it says is not believed, since it may be seconds old. */
  async #read(answer: IncomingMessage): Promise<void> {
    let line: Buffer = Buffer.alloc(0);
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      this.#heardMs = this.#deps.clock.monotonicMs();
      let at = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
        this.#line(kept(line, chunk.subarray(at, end)));
        line = Buffer.alloc(0);
        at = end + 1;
      }
      line = kept(line, chunk.subarray(at));
    }
  }

  #line(line: Buffer): void {
    if (line.length === 0) return;
    const isHeartbeat = line.includes(HEARTBEAT);
    this.#deps.metrics.hints.inc({ from: isHeartbeat ? "heartbeat" : "event" });
    if (!isHeartbeat) this.#deps.hint();
  }

  /** Sends heartbeats, and ends a stream that is silent for too long, or is not the one that is needed. */
  async #watch(heartbeat: string | undefined, end: AbortController): Promise<void> {
    const { clock, limits = {} } = this.#deps;
    const { silenceMs = SILENCE_MS, silenceWithHeartbeatMs = SILENCE_WITH_HEARTBEAT_MS } = limits;
    const patienceMs = heartbeat === undefined ? silenceMs : silenceWithHeartbeatMs;
    let sentMs = Number.NEGATIVE_INFINITY;
    await every(clock, WATCH_INTERVAL_MS, end.signal, async () => {
      if (this.#deps.heartbeat() !== heartbeat)
        return end.abort(new Error("the heartbeat is another one: the stream is opened anew"));
      if (clock.monotonicMs() - this.#heardMs > patienceMs)
        return end.abort(new Error("the stream of events was silent for too long"));
      if (heartbeat === undefined || clock.monotonicMs() - sentMs < HEARTBEAT_INTERVAL_MS) return;
      sentMs = clock.monotonicMs();
      await this.#beat(heartbeat, end.signal);
    });
  }

  /** What does not arrive is not heard: that is the watch's work. */
  async #beat(name: string, signal: AbortSignal): Promise<void> {
    const result = { exit_status: 0, plugin_output: HEARTBEAT };
    await this.#deps.client.act("process-check-result", name, result, signal).catch(() => {});
  }
}

/** As much of a line as is looked at. */
function kept(line: Buffer, more: Buffer): Buffer {
  const room = LINE_SEEN_BYTES - line.length;
  return room > 0 && more.length > 0 ? Buffer.concat([line, more.subarray(0, room)]) : line;
}
