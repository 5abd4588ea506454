/** The loop on a real journal, with a clock that is turned by hand; what it acts on only records what it is asked. */
import type { SimulatedClock } from "@glassline/service/clock/testing";
import { simulatedClock } from "@glassline/service/clock/testing";
import { createMetrics } from "@glassline/service/metrics";

import type { Bot } from "./bot.ts";
import type { ActionKind } from "./core/action.ts";
import type { State } from "./core/check-state.ts";
import type { GuardLimits } from "./core/guard.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import { Guard } from "./guard.ts";
import { edgesNamed, loopOf, targetsOf } from "./loop.testing.ts";
import type { Observation } from "./observers/observer.ts";
import type { OrderKind } from "./stores/guard-records.ts";
import type { Journal } from "./stores/journal.ts";
import { openFile, scratch } from "./stores/store.testing.ts";

export const VERIFY_MS = 15_000;

interface Asked {
  what: string;
  key: string;
}

/** What a test turns and looks at. */
export interface Stage extends AsyncDisposable {
  /** The term is over. */
  end(): void;
  journal: Journal;
  bot: Bot;
  /** Every request that reached an edge or the node-agent, in order. */
  asked: Asked[];
  /** While it is set, edges and node-agent answer with it. */
  refusal: Error | undefined;
  /** What a look just before acting shows; what was heard last, when it is left out. */
  look: ((known: Observation) => Observation) | undefined;
  /** A result of a check, and all that follows from it at once. */
  hear(
    check: string,
    state: State,
    options?: { object?: string; hard?: boolean; suppressed?: string },
  ): Promise<void>;
  pass(lengthMs: number): Promise<void>;
  /** Somebody sets the time of day. */
  setClock(byMs: number): void;
  kinds(id: number): Promise<string[]>;
  phase(id: number): Promise<string>;
  /** The last line of a story. */
  said(id?: number): Promise<string>;
  order(kind: OrderKind, target?: string, forMs?: number): Promise<void>;
  lift(kind: OrderKind, target?: string): Promise<void>;
  /** Of the first action of the first incident. */
  approve(forMs: number): Promise<void>;
}

interface StageOptions {
  /** How many. */
  edges?: number;
  limits?: Partial<GuardLimits>;
  approvals?: ReadonlySet<ActionKind>;
  /** How the clock was set before it begins. */
  setByMs?: number;
}

export async function startStage(
  directory = scratch(),
  wrap = (journal: Journal) => journal,
  { edges = 2, limits = {}, approvals = new Set(), setByMs = 0 }: StageOptions = {},
): Promise<Stage> {
  const simulated = simulatedClock();
  const clock: SimulatedClock = {
    ...simulated,
    nowMs: () => simulated.nowMs() + setByMs,
    nowUnixNano: () => simulated.nowUnixNano() + BigInt(setByMs) * 1_000_000n,
  };
  const names = edgesNamed(edges);
  const led = await openFile(directory, () => clock.nowUnixNano());
  const journal = wrap(led.journal);
  const stop = new AbortController();
  const asked: Asked[] = [];
  const observations = new Map<string, Observation>();
  const stage: Pick<Stage, "refusal" | "look"> = { refusal: undefined, look: undefined };
  const record = (what: string, key: string) => {
    if (stage.refusal) throw stage.refusal;
    asked.push({ what, key });
  };
  const guard = new Guard({
    clock,
    limits: { ...GUARD_LIMITS, ...limits },
    targets: targetsOf(names),
    approvals,
  });
  await led.journal.transact(({ guard: records }) => guard.begin(records));
  const key = (object: string, check: string) => `${object}!${check}`;
  const bot = loopOf({
    observer: {
      observations: () => [...observations.values()],
      look: async (object, check) => {
        const known = observations.get(key(object, check));
        return known && (stage.look?.(known) ?? known);
      },
    },
    guard,
    journal,
    clock,
    record,
    names,
    fencingToken: led.fencingToken,
    signal: stop.signal,
    metrics: createMetrics("opsbot"),
    verifyMs: VERIFY_MS,
  });
  await bot.start();
  return Object.assign(stage, {
    end: () => stop.abort(),
    journal,
    bot,
    asked,
    hear: async (
      check: string,
      state: State,
      { object = "edge-1", hard = true, suppressed = undefined as string | undefined } = {},
    ) => {
      const nowUnixNano = clock.nowUnixNano();
      const times = {
        sinceUnixNano: nowUnixNano,
        lastCheckedUnixNano: nowUnixNano,
        attempt: 3,
        maxAttempts: 3,
      };
      const output = `${check} is ${state}`;
      const observation = { object, check, state, output, hard, suppressed, ...times };
      observations.set(key(object, check), observation);
      guard.saw(observation);
      await bot.hear(observation, "none");
      await clock.advance(0);
    },
    pass: (lengthMs: number) => clock.advance(lengthMs),
    setClock: (byMs: number) => {
      setByMs += byMs;
    },
    kinds: async (id: number) => (await journal.entries(id)).map(({ kind }) => kind),
    phase: async (id: number) => (await journal.incident(id))!.phase,
    said: async (id = 1) => (await journal.entries(id)).at(-1)!.text,
    order: (kind: OrderKind, target = "", forMs?: number) =>
      journal.transact(({ guard: records }) =>
        guard.order({ kind, target, who: "anna" }, records, forMs),
      ),
    lift: async (kind: OrderKind, target = "") => {
      await journal.transact(({ guard: records }) => guard.lift(kind, target, records));
    },
    approve: (forMs: number) =>
      journal.transact(({ guard: records }) =>
        guard.approve({ incidentId: 1, action: 0 }, "anna", forMs, records),
      ),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await led[Symbol.asyncDispose]();
    },
  });
}
