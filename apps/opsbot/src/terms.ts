/** Terms of leading: in each there is a loop that decides and acts; in between this OpsBot only watches. */
import type { AppDeps } from "@glassline/service/app";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import { carryOut } from "./actions/carry-out.ts";
import type { EdgeCall } from "./actions/edge-actions.ts";
import { fenceEdge } from "./actions/edge-actions.ts";
import type { Deployer } from "./deployment/deployer.ts";
import type { DesiredState } from "./actions/desired-state.ts";
import type { EffectDeps } from "./actions/effects.ts";
import { heldBack } from "./actions/effects.ts";
import { Bot } from "./bot.ts";
import type { OpsBotConfig } from "./config.ts";
import type { Guard } from "./guard.ts";
import type { OpsBotMetrics } from "./metrics.ts";
import type { Network } from "./network.ts";
import type { Observer } from "./observers/observer.ts";
import type { Journal } from "./stores/journal.ts";
import type { Leadership, Term } from "./stores/leadership.ts";

/** What shall run is told again and again: a node-agent may have lost its disk. */
const TELL_INTERVAL_MS = 2_000;
/** Between two times at which it is written that somebody leads. */
const LED_INTERVAL_MS = 10_000;
/** Until it has been told once; and what people have ordered. */
const LOOK_INTERVAL_MS = 200;

/** Edges that are told at the same time that they have another OpsBot, and the longest pause before those that did not hear it. */
const FENCED_AT_ONCE = 16;
const FENCE_PAUSE_MAX_MS = 10_000;

const JUST_BEGUN = "it has just begun to lead";

type EdgeClient = EdgeCall["client"];

export interface TermsDeps {
  config: Pick<OpsBotConfig, "edgeToken" | "verify" | "name">;
  deps: Pick<AppDeps, "clock" | "logger">;
  network: Network;
  journal: Journal;
  leadership: Leadership;
  observer: Observer;
  desired: DesiredState;
  deployer: Deployer;
  /** Edges that were deployed are known. */
  watch: () => Promise<void>;
  guard: Guard;
  metrics: OpsBotMetrics;
  /** What goes on beside the loop while it leads, until it is aborted. */
  reports: readonly ((signal: AbortSignal) => Promise<void>)[];
}

export class Terms implements AsyncDisposable {
  readonly #parts: TermsDeps;
  readonly #stop = new AbortController();
  #bot: Bot | undefined;
  /** Why nothing can be done, as far as it is not the loop's: empty when all is well. */
  #ordered = "";
  #untold = JUST_BEGUN;

  constructor(parts: TermsDeps) {
    this.#parts = parts;
  }

  /** Undefined: another one leads. */
  get bot(): Bot | undefined {
    return this.#bot;
  }

  get impediment(): string {
    const { leadership, config } = this.#parts;
    if (this.#bot) return this.#bot.impediment || this.#ordered || this.#untold;
    const leader = leadership.leader();
    if (leader === config.name) return JUST_BEGUN;
    return `${leader || "nobody"} leads: this OpsBot only watches`;
  }

  start(): void {
    const { observer, guard, leadership, deps } = this.#parts;
    observer.onResult((observation, change) => {
      guard.saw(observation);
      return this.#bot?.hear(observation, change) ?? Promise.resolve(false);
    });
    void every(deps.clock, LOOK_INTERVAL_MS, this.#stop.signal, () => this.#lookAtOrders());
    // Those who do not lead see what leaders deploy.
    void every(deps.clock, TELL_INTERVAL_MS, this.#stop.signal, () =>
      this.#parts.watch().catch(() => {}),
    );
    leadership.start((term) => this.#serve(term));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
  }

  async #serve(term: Term): Promise<void> {
    const { deps, journal, observer, guard, metrics, config, reports } = this.#parts;
    const signal = AbortSignal.any([term.over, this.#stop.signal]);
    const effects = this.#effects(term, signal);
    await this.#keepTrying(this.#parts.watch, signal);
    // First of all: until an edge has heard of it, it still hears the one before.
    const fenced = this.#fenceEdges(effects);
    const lead = () => journal.transact(({ guard: records }) => guard.begin(records));
    await this.#keepTrying(lead, signal);
    const bot = new Bot({
      observer,
      guard,
      journal,
      wish: this.#parts.desired.wish,
      effect: (intent) => carryOut(intent, effects),
      clock: deps.clock,
      logger: deps.logger,
      metrics,
      verifyMs: config.verify,
      signal,
    });
    await this.#keepTrying(() => bot.start(), signal);
    if (signal.aborted) return;
    this.#bot = bot;
    this.#untold = JUST_BEGUN;
    await Promise.all([
      ...reports.map((report) => this.#keepTrying(() => report(signal), signal)),
      fenced,
      this.#tellDesired(effects),
      this.#goOn(signal),
    ]);
    this.#bot = undefined;
  }

  #effects({ fencingToken }: Term, signal: AbortSignal): EffectDeps {
    const { network, desired, deployer, deps, config, journal, leadership } = this.#parts;
    return {
      network,
      desired,
      deployer,
      clock: deps.clock,
      edgeToken: config.edgeToken,
      fencingToken,
      signal,
      isHeld: () =>
        heldBack(deps.clock, {
          isKilled: () => journal.guard.isKilled(),
          leads: () => leadership.fencingToken() === fencingToken,
        }),
    };
  }

  async #keepTrying(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts.deps;
    while (!signal.aborted) {
      try {
        return await work();
      } catch (error) {
        logger.warn({ problem: messageOf(error) }, "the journal cannot be used");
        await clock.sleep(LOOK_INTERVAL_MS, signal).catch(() => {});
      }
    }
  }

  /** Edges hear no OpsBot of an earlier term any more; those that are away hear of it when they are back. */
  async #fenceEdges({
    network,
    fencingToken,
    edgeToken,
    clock,
    signal,
  }: EffectDeps): Promise<void> {
    const authorization = `Bearer ${edgeToken}`;
    let unfenced: readonly EdgeClient[] = [...network.edges.values()];
    let pauseMs = LOOK_INTERVAL_MS;
    while (unfenced.length > 0 && !signal.aborted) {
      const missed: EdgeClient[] = [];
      for (let at = 0; at < unfenced.length && !signal.aborted; at += FENCED_AT_ONCE)
        await Promise.all(
          unfenced
            .slice(at, at + FENCED_AT_ONCE)
            .map((client) =>
              fenceEdge({ client, fencingToken, authorization }).catch(() => missed.push(client)),
            ),
        );
      unfenced = missed;
      await clock.sleep(pauseMs, signal).catch(() => {});
      pauseMs = Math.min(2 * pauseMs, FENCE_PAUSE_MAX_MS);
    }
  }

  /** As long as the term lasts. */
  async #tellDesired(effects: EffectDeps): Promise<void> {
    const { clock, logger } = this.#parts.deps;
    let toldMs = Number.NEGATIVE_INFINITY;
    const tell = async () => {
      if (this.#untold === "" && clock.monotonicMs() - toldMs < TELL_INTERVAL_MS) return;
      if (await effects.isHeld()) return;
      toldMs = clock.monotonicMs();
      try {
        await effects.desired.tell(effects);
        this.#untold = "";
      } catch (error) {
        const reason = `a node-agent does not take what shall run: ${messageOf(error)}`;
        if (this.#untold === "") logger.warn({ reason }, "impeded");
        this.#untold = reason;
      }
    };
    await tell();
    await every(clock, LOOK_INTERVAL_MS, effects.signal, tell);
  }

  /** Time in which it cannot be written that somebody leads does not count. */
  #goOn(signal: AbortSignal): Promise<void> {
    const { journal, guard, deps } = this.#parts;
    const write = () => journal.transact(({ guard: records }) => guard.goesOn(records));
    return every(deps.clock, LED_INTERVAL_MS, signal, () => write().catch(() => {}));
  }

  /** What people have ordered, as far as it holds all back. */
  async #lookAtOrders(): Promise<void> {
    const { journal, guard } = this.#parts;
    try {
      const orders = await guard.orders(journal.guard);
      const has = (kind: string) => orders.some((order) => order.kind === kind);
      const paused = has("pause") ? "automation is paused" : "";
      this.#ordered = has("kill") ? "the kill switch is on: nothing is begun" : paused;
    } catch (error) {
      this.#ordered = `the journal cannot be read: ${messageOf(error)}`;
    }
  }
}
