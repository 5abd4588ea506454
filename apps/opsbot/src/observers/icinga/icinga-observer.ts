/** What Icinga says: looks at what it shows are the truth; its events, and what its EventCommands push, make the next look come at once. */
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";

import type { Input, Reconciliation, Telling } from "../../core/reconcile.ts";
import { beginning, stepReconciliation } from "../../core/reconcile.ts";
import type { Registrar } from "../../deployment/registrar.ts";
import type { Reports } from "../../stores/reports.ts";
import type { Listener, Observation, Observer } from "../observer.ts";
import type { ClientLimits } from "./client.ts";
import { IcingaClient } from "./client.ts";
import { EventStream } from "./event-stream.ts";
import { IcingaError } from "./icinga-error.ts";
import { icingaRegistrar } from "./icinga-registrar.ts";
import type { IcingaSight } from "./icinga-looks.ts";
import { IcingaLooks } from "./icinga-looks.ts";
import type { IcingaMetrics } from "./metrics.ts";
import { Reporter, isOwn } from "./reporter.ts";
import type { IcingaSettings } from "./settings.ts";

/** So often all that is ours is looked at; in between only problems, and what was one. */
const FULL_LOOK_INTERVAL_MS = 15_000;
/** More names than these are not listed: all is looked at. */
const NAMES_MAX = 500;
/** Hints that come closer together than this share a look. */
const COALESCE_MS = 10;
/** Between looks while hints do not end. */
const HINTED_AGAIN_MS = 50;
/** What is not settled is told again after each look; in a storm not all of it. */
const TOLD_AGAIN_MAX = 500;
const NOTHING_SAID = "its check says nothing";
const AWAY = "Icinga does not say how it is now";
const NOTHING =
  "Icinga shows no host or service with the custom variables glassline_object and glassline_check";

export interface IcingaDeps {
  settings: IcingaSettings;
  intervalMs: number;
  reports: Reports;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: IcingaMetrics;
  limits?: ClientLimits;
}

export class IcingaObserver implements Observer {
  readonly #deps: IcingaDeps;
  readonly #client: IcingaClient;
  readonly #looks: IcingaLooks;
  readonly #events: EventStream;
  readonly #reporter: Reporter;
  readonly #listeners: Listener[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  #state: Reconciliation<IcingaSight> = beginning();
  #impediment = "Icinga has not been asked yet";
  #lookedForLostMs = Number.NEGATIVE_INFINITY;
  #lookedAtAllMs = Number.NEGATIVE_INFINITY;
  /** Whose turn it is among those that are told again. */
  #toldAgain = 0;
  #wake = () => {};

  constructor(deps: IcingaDeps) {
    const { settings, clock, random, logger, metrics, reports } = deps;
    const { signal } = this.#stop;
    this.#deps = deps;
    this.#client = new IcingaClient(settings, deps.limits);
    this.#looks = new IcingaLooks({ client: this.#client, logger, metrics, isOwn });
    this.#events = new EventStream({
      client: this.#client,
      clock,
      random,
      logger,
      metrics,
      signal,
      heartbeat: () => this.#looks.heartbeat,
      hint: () => this.hint(),
    });
    this.#reporter = new Reporter({
      client: this.#client,
      reports,
      logger,
      metrics,
      signal,
      nowUnixNano: () => clock.nowUnixNano(),
      monotonicMs: () => clock.monotonicMs(),
      look: (object, check) => this.#shown(object, check),
    });
  }

  /** Why it cannot be known how things are; empty when it can. */
  get impediment(): string {
    return this.#impediment;
  }

  /** Why events do not come at present; empty when they do. Looks go on without them. */
  get eventsProblem(): string {
    return this.#events.problem;
  }

  start(): void {
    this.#running.push(this.#run(), this.#events.run());
  }

  /** Where Icinga learns of deployed edges. */
  registrar(): Registrar {
    return icingaRegistrar(this.#client, this.#deps.clock, this.#stop.signal);
  }

  /** Tells Icinga what is done, as long as this OpsBot leads. */
  async report(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, reports } = this.#deps;
    await reports.begin();
    await every(clock, intervalMs, AbortSignal.any([signal, this.#stop.signal]), () =>
      this.#report(),
    );
  }

  /** Something may have happened: look soon. */
  hint(): void {
    if (this.#step({ kind: "hint" })) this.#wake();
  }

  onResult(listener: Listener): void {
    this.#listeners.push(listener);
  }

  observations(): Observation[] {
    const stale = this.#state.current ? undefined : AWAY;
    return [...this.#state.known.values()].map(({ sight }) => observationOf(sight, stale));
  }

  async look(object: string, check: string): Promise<Observation | undefined> {
    const sight = await this.#shown(object, check);
    return sight && observationOf(sight, undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#client[Symbol.dispose]();
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { clock } = this.#deps;
    this.#step({ kind: "due" });
    while (!signal.aborted) {
      if (await this.#look()) await clock.sleep(HINTED_AGAIN_MS, signal).catch(() => {});
      else await this.#untilWanted();
    }
  }

  /** Until the next look is due, or a hint comes; what follows it closely is seen by the same look. */
  async #untilWanted(): Promise<void> {
    const { clock, intervalMs } = this.#deps;
    if (this.#state.looking === "no") {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      const signal = AbortSignal.any([this.#stop.signal, woken.signal]);
      await clock.sleep(intervalMs, signal).catch(() => {});
    }
    await clock.sleep(COALESCE_MS, this.#stop.signal).catch(() => {});
    this.#wake = () => {};
    this.#step({ kind: "due" });
  }

  /** @returns whether something may have happened meanwhile that this look did not see. */
  async #look(): Promise<boolean> {
    const { metrics, clock } = this.#deps;
    const startMs = clock.monotonicMs();
    const asked = this.#namesToAsk(startMs);
    try {
      const sights = await this.#looks.look(asked, this.#stop.signal);
      if (asked === "all") this.#lookedAtAllMs = startMs;
      metrics.looks.inc({ result: asked === "all" ? "all" : "problems" });
      const isWanted = this.#step({ kind: "looked", sights, asked });
      this.#settleImpediment(this.#state.known.size === 0 ? NOTHING : "");
      return isWanted;
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      metrics.looks.inc({ result: "failed" });
      this.#lookedAtAllMs = Number.NEGATIVE_INFINITY;
      this.#settleImpediment(`Icinga cannot be looked at: ${messageOf(error)}`);
      return this.#step({ kind: "lost" });
    }
  }

  #namesToAsk(nowMs: number): "all" | ReadonlySet<string> {
    if (nowMs - this.#lookedAtAllMs >= FULL_LOOK_INTERVAL_MS) return "all";
    const open = [...this.#state.known.values()].filter(
      ({ sight, settled }) => !settled || sight.state !== "ok",
    );
    return open.length > NAMES_MAX ? "all" : new Set(open.map(({ sight }) => sight.name));
  }

  /** @returns whether to look. */
  #step(input: Input<IcingaSight>): boolean {
    const { next, look, tell } = stepReconciliation(this.#state, input);
    this.#state = next;
    if (tell.length > 0) void this.#tell(this.#shared(tell));
    return look;
  }

  async #tell(tell: readonly Telling<IcingaSight>[]): Promise<void> {
    const told = tell.map(async ({ sight, change }) => {
      const observation = observationOf(sight, undefined);
      const settled = this.#listeners.map((listener) => listener(observation, change));
      return (await Promise.all(settled)).every(Boolean) ? [sight] : [];
    });
    const sights = (await Promise.all(told)).flat();
    if (sights.length > 0)
      this.#state = stepReconciliation(this.#state, { kind: "settled", sights }).next;
  }

  /** All that is new, and of the rest as many as there is time for, in turn. */
  #shared(tell: readonly Telling<IcingaSight>[]): readonly Telling<IcingaSight>[] {
    const again = tell.filter(({ change }) => change === "again");
    if (again.length <= TOLD_AGAIN_MAX) return tell;
    this.#toldAgain %= again.length;
    const turn = [...again, ...again].slice(this.#toldAgain, this.#toldAgain + TOLD_AGAIN_MAX);
    this.#toldAgain += TOLD_AGAIN_MAX;
    return [...tell.filter(({ change }) => change !== "again"), ...turn];
  }

  #settleImpediment(impediment: string): void {
    const { logger } = this.#deps;
    if (impediment !== "" && this.#impediment !== impediment)
      logger.warn({ impediment }, "impeded");
    if (impediment === "" && this.#impediment !== "") logger.info("Icinga is looked at");
    this.#impediment = impediment;
  }

  async #report(): Promise<void> {
    if (!this.#state.current || this.#state.known.size === 0) return;
    try {
      const nowMs = this.#deps.clock.monotonicMs();
      if (nowMs - this.#lookedForLostMs >= FULL_LOOK_INTERVAL_MS) {
        this.#lookedForLostMs = nowMs;
        await this.#reporter.tellLost();
      }
      await this.#reporter.run();
    } catch (error) {
      const { logger } = this.#deps;
      logger.warn({ problem: messageOf(error) }, "the journal cannot be read: Icinga is not told");
    }
  }

  /** Just now: a person may have acknowledged it since the last look. */
  async #shown(object: string, check: string): Promise<IcingaSight | undefined> {
    const isIt = (sight: IcingaSight) => sight.object === object && sight.check === check;
    const known = [...this.#state.known.values()].map(({ sight }) => sight).find(isIt);
    if (!known) return undefined;
    const sights = await this.#looks.look(new Set([known.name]), this.#stop.signal);
    const sight = sights.find(({ name }) => name === known.name);
    // In the middle of a reload it may be missing: the next look at all tells whether it is gone.
    if (!sight) throw new IcingaError("away", `${known.name}: Icinga does not show it just now`);
    return sight;
  }
}

function observationOf(sight: IcingaSight, stale: string | undefined): Observation {
  const { object, check, state, hard, attempt, maxAttempts, output, measured } = sight;
  const since = hard ? sight.hardStateSinceUnixNano : sight.stateSinceUnixNano;
  return {
    object,
    check,
    state,
    hard,
    attempt,
    maxAttempts,
    output: output || NOTHING_SAID,
    ...measured,
    sinceUnixNano: since,
    lastCheckedUnixNano: sight.checkedUnixNano,
    suppressed: stale ?? sight.suppressed,
  };
}
