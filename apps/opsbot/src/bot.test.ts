/** The loop on a real journal, with a clock that is turned by hand; what it acts on only records what it is asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { RpcError } from "@glassline/proto/errors";
import { simulatedClock } from "@glassline/service/clock/testing";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { describe, expect, onTestFinished, test } from "vitest";

import { readDesired } from "./actions/effects.ts";
import { Bot } from "./bot.ts";
import type { Action } from "./core/decide.ts";
import type { GuardLimits } from "./core/guard.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import { Guard } from "./guard.ts";
import type { State } from "./core/check-state.ts";
import { opsBotMetrics } from "./metrics.ts";
import type { Network } from "./network.ts";
import type { Listener, Observation } from "./observers/observer.ts";
import type { Journal } from "./stores/journal.ts";
import { openJournal } from "./stores/journal.ts";

const FLUSH = { kind: "flush", edge: "edge-1" } as const;
const VERIFY_MS = 15_000;
const EDGES = JSON.stringify({ edges: [{ name: "edge-1" }, { name: "edge-2" }] });

interface Asked {
  what: string;
  key: string;
}

/** What a test turns and looks at. */
interface Stage extends Disposable {
  journal: Journal;
  guard: Guard;
  bot: Bot;
  /** Every request that reached an edge or the node-agent, in order. */
  asked: Asked[];
  /** While it is set, edges and node-agent answer with it. */
  refusal: Error | undefined;
  /** A result of a check, and all that follows from it at once. */
  hear(
    check: string,
    state: State,
    options?: { object?: string; hard?: boolean; suppressed?: string },
  ): Promise<void>;
  pass(lengthMs: number): Promise<void>;
  kinds(id: number): string[];
}

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "glassline-bot-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface StageOptions {
  limits?: Partial<GuardLimits>;
  approvals?: ReadonlySet<Action["kind"]>;
}

function startBot(
  directory = scratch(),
  wrap = (journal: Journal) => journal,
  { limits = {}, approvals = new Set() }: StageOptions = {},
): Stage {
  const clock = simulatedClock();
  const journal = wrap(openJournal(directory, () => clock.nowUnixNano()));
  const stop = new AbortController();
  const asked: Asked[] = [];
  let listener: Listener = () => true;
  let observations: Observation[] = [];
  const stage = { refusal: undefined as Error | undefined };
  const record = (what: string, key: string) => {
    if (stage.refusal) throw stage.refusal;
    asked.push({ what, key });
  };
  const edge = (name: string) => ({
    purge: async ({ idempotencyKey = "" }) => {
      record(`flush ${name}`, idempotencyKey);
      return { objects: 7, replayed: false };
    },
    prime: async ({ idempotencyKey = "" }) => {
      record(`prime ${name}`, idempotencyKey);
      return { objects: 3 };
    },
  });
  const network = {
    agent: {
      setDesiredState: async ({ edges }: { edges: { name: string; generation: bigint }[] }) =>
        record(edges.map(({ name, generation }) => `${name}/${generation}`).join(" "), ""),
    },
    edges: new Map([
      ["edge-1", edge("edge-1")],
      ["edge-2", edge("edge-2")],
    ]),
    channels: { known: () => [], refresh: async () => [{ name: "cam-0001", path: "/live" }] },
  } as unknown as Network;
  const guard = new Guard({
    records: journal.guard,
    clock,
    limits: { ...GUARD_LIMITS, ...limits },
    domains: new Map(["edge-1", "edge-2"].map((name) => [name, "edges"])),
    approvals,
  });
  const bot = new Bot({
    network,
    journal,
    clock,
    edgeToken: "token",
    desired: readDesired(EDGES),
    isHeld: () => guard.isKilled,
    guard,
    signal: stop.signal,
    observer: {
      onResult: (each) => (listener = each),
      observations: () => observations,
      [Symbol.asyncDispose]: async () => {},
    },
    logger: createLogger("opsbot", "silent"),
    metrics: opsBotMetrics(createMetrics("opsbot")),
    verifyMs: VERIFY_MS,
  });
  bot.start();
  return Object.assign(stage, {
    journal,
    guard,
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
      observations = [observation];
      listener(observation, "none");
      await clock.advance(0);
    },
    pass: (lengthMs: number) => clock.advance(lengthMs),
    kinds: (id: number) => journal.entries(id).map(({ kind }) => kind),
    [Symbol.dispose]: () => {
      stop.abort();
      journal[Symbol.dispose]();
    },
  });
}

describe("an incident", () => {
  test("is opened by a problem that is believed, acted on, looked at and closed", async () => {
    using stage = startBot();
    await stage.hear("freshness", "critical", { hard: false });
    await stage.hear("freshness", "warning");
    expect(stage.journal.countOpen()).toBe(0);
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
    expect(stage.journal.incident(1)!.phase).toBe("verifying");
    await stage.hear("freshness", "critical");
    expect(stage.asked).toHaveLength(1);
    await stage.hear("freshness", "ok");
    expect(stage.kinds(1)).toEqual(["seen", "decided", "intent", "done", "verified", "closed"]);
    await stage.hear("freshness", "ok");
    expect(stage.journal.incidents(10, false)).toHaveLength(1);
  });

  test("goes on to the next action when one did not help, and to people at last", async () => {
    using stage = startBot();
    await stage.hear("freshness", "critical");
    await stage.pass(VERIFY_MS - 1_000);
    await stage.hear("freshness", "critical");
    expect(stage.asked).toHaveLength(1);
    await stage.pass(2_000);
    await stage.hear("freshness", "critical");
    expect(stage.asked.at(-1)!.what).toBe("edge-1/2 edge-2/1");
    await stage.pass(VERIFY_MS + 1_000);
    await stage.hear("freshness", "critical");
    expect(stage.journal.incident(1)).toMatchObject({ phase: "escalated", actions: 2 });
    expect(stage.journal.entries(1).at(-1)!.text).toMatch(/2 actions did not help.*person/);
    await stage.hear("freshness", "critical");
    expect(stage.asked).toHaveLength(2);
    await stage.hear("freshness", "ok");
    expect(stage.journal.incident(1)!.phase).toBe("resolved");
  });

  test("that nothing can be done about goes to people at once", async () => {
    using stage = startBot();
    await stage.hear("silence", "critical", { object: "cameras" });
    expect(stage.kinds(1)).toEqual(["seen", "escalated"]);
    expect(stage.asked).toEqual([]);
  });

  test("of one check does not hinder that of another", async () => {
    using stage = startBot();
    await stage.hear("freshness", "critical");
    await stage.hear("hit-rate", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1", "prime edge-1"]);
  });

  test("waits for its turn, so that viewers never lose two edges at a time", async () => {
    using stage = startBot();
    await stage.hear("health", "critical");
    await stage.hear("health", "critical", { object: "edge-2" });
    await stage.hear("health", "critical", { object: "edge-2" });
    expect(stage.asked.map(({ what }) => what)).toEqual(["edge-1/2 edge-2/1"]);
    expect(stage.kinds(2)).toEqual(["seen", "decided"]);
    expect(stage.journal.entries(2).at(-1)!.text).toMatch(/wait: edge-1/);
    await stage.hear("health", "ok");
    await stage.hear("health", "critical", { object: "edge-2" });
    expect(stage.asked).toHaveLength(1);
    await stage.pass(GUARD_LIMITS.disruptionWindowMs);
    await stage.hear("health", "critical", { object: "edge-2" });
    expect(stage.asked.at(-1)!.what).toBe("edge-1/2 edge-2/2");
  });

  test("whose action is refused goes on to the next action", async () => {
    using stage = startBot();
    stage.refusal = new RpcError("permission_denied", "wrong token");
    await stage.hear("freshness", "critical");
    expect(stage.kinds(1).slice(1, 4)).toEqual(["decided", "intent", "failed"]);
    expect(stage.journal.incident(1)!.phase).toBe("escalated");
    expect(stage.journal.entries(1).find(({ kind }) => kind === "failed")!.text).toMatch("token");
  });

  test("whose edge is away is tried for so long, under one key", async () => {
    using stage = startBot();
    stage.refusal = new RpcError("unavailable", "away");
    await stage.hear("freshness", "critical");
    await stage.pass(5_000);
    expect(stage.journal.incident(1)!.phase).toBe("acting");
    stage.refusal = undefined;
    await stage.pass(1_000);
    expect(stage.kinds(1)).toEqual(["seen", "decided", "intent", "done"]);
    expect(stage.asked).toHaveLength(1);
  });
});

describe("what something stands in the way of", () => {
  test("opens no incident, and is one when nothing does any more", async () => {
    using stage = startBot();
    await stage.hear("freshness", "critical", { suppressed: "in downtime" });
    expect(stage.journal.countOpen()).toBe(0);
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
  });

  test("is not acted on further, its story says so once, and it goes on where it was", async () => {
    using stage = startBot();
    await stage.hear("freshness", "critical");
    await stage.pass(VERIFY_MS + 1_000);
    for (let time = 0; time < 3; time++)
      await stage.hear("freshness", "critical", { suppressed: "acknowledged by anna" });
    expect(stage.asked).toHaveLength(1);
    const story = stage.journal.entries(1).map(({ text }) => text);
    expect(story.filter((text) => text === "left alone: acknowledged by anna")).toHaveLength(1);
    await stage.hear("freshness", "critical");
    expect(stage.asked.at(-1)!.what).toBe("edge-1/2 edge-2/1");
  });

  test("is not followed by the next action when one fails meanwhile", async () => {
    using stage = startBot();
    stage.refusal = new RpcError("unavailable", "away");
    await stage.hear("freshness", "critical");
    await stage.hear("freshness", "critical", { suppressed: "flapping" });
    stage.refusal = new RpcError("permission_denied", "wrong token");
    await stage.pass(1_000);
    expect(stage.kinds(1).slice(-2)).toEqual(["decided", "failed"]);
    expect(stage.journal.incident(1)!.phase).toBe("open");
    stage.refusal = undefined;
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["edge-1/2 edge-2/1"]);
  });
});

describe("after a restart", () => {
  test("what was begun is done again under its key, and looked at", async () => {
    const directory = scratch();
    let key = "";
    {
      using before = startBot(directory);
      before.refusal = new RpcError("unavailable", "away");
      await before.hear("freshness", "critical");
      key = before.journal.unsettled()[0]!.idempotencyKey;
    }
    using stage = startBot(directory);
    await stage.pass(0);
    expect(stage.asked).toEqual([{ what: "flush edge-1", key }]);
    await stage.hear("freshness", "ok");
    expect(stage.kinds(1)).toEqual(["seen", "decided", "intent", "done", "verified", "closed"]);
  });

  test("what was looked at is looked at for as long again", async () => {
    const directory = scratch();
    {
      using before = startBot(directory);
      await before.hear("freshness", "critical");
    }
    using stage = startBot(directory);
    await stage.hear("freshness", "critical");
    await stage.pass(VERIFY_MS - 1);
    await stage.hear("freshness", "critical");
    expect(stage.asked).toEqual([]);
    await stage.pass(2);
    await stage.hear("freshness", "critical");
    expect(stage.asked).toHaveLength(1);
  });
});

describe("a journal that cannot be written", () => {
  const failing = (fails: () => boolean) => (journal: Journal) => ({
    ...journal,
    [Symbol.dispose]: () => journal[Symbol.dispose](),
    atomically: <T>(work: () => T) => {
      if (fails()) throw new Error("disk I/O error");
      return journal.atomically(work);
    },
  });

  test("lets nothing be done, says so, and is acted on when it can be written again", async () => {
    let full = true;
    using stage = startBot(
      scratch(),
      failing(() => full),
    );
    await stage.hear("freshness", "critical");
    expect(stage.asked).toEqual([]);
    expect(stage.bot.impediment).toMatch(/journal cannot be written: disk I\/O error/);
    full = false;
    await stage.hear("freshness", "critical");
    expect(stage.asked).toHaveLength(1);
    expect(stage.bot.impediment).toBe("");
  });

  test("after an effect has its result written when that is possible, under the same key", async () => {
    let full = false;
    using stage = startBot(
      scratch(),
      failing(() => full && stage.asked.length > 0),
    );
    full = true;
    await stage.hear("freshness", "critical");
    expect(stage.kinds(1)).toEqual(["seen", "decided", "intent"]);
    await stage.pass(3_000);
    full = false;
    await stage.pass(2_000);
    expect(stage.kinds(1)).toEqual(["seen", "decided", "intent", "done"]);
    expect(new Set(stage.asked.map(({ key }) => key)).size).toBe(1);
  });
});

describe("what somebody asks for", () => {
  test("is an incident with a story, done once at a time", async () => {
    using stage = startBot();
    stage.refusal = new RpcError("unavailable", "away");
    const first = stage.bot.request(FLUSH, "operator local");
    expect(await stage.bot.request(FLUSH, "operator local")).toEqual({
      refused: "what was asked for before is under way",
    });
    stage.refusal = undefined;
    await stage.pass(1_000);
    expect(await first).toMatchObject({ incident: { phase: "resolved" } });
    expect(stage.kinds(1)).toEqual(["seen", "intent", "done", "closed"]);
    expect(stage.asked).toHaveLength(1);
  });
});

describe("the guard", () => {
  const said = ({ journal }: Stage, id = 1) => journal.entries(id).at(-1)!.text;

  test("lets nothing be begun while the kill switch is on, nor by those who ask, and remembers it", async () => {
    const directory = scratch();
    {
      using stage = startBot(directory);
      stage.guard.order("kill", "", "anna");
      await stage.hear("freshness", "critical");
      expect(said(stage)).toMatch(/wait: the kill switch is on/);
      expect(await stage.bot.request(FLUSH, "bert")).toMatchObject({ refused: /kill switch/ });
      expect(stage.asked).toEqual([]);
    }
    using again = startBot(directory);
    await again.hear("freshness", "critical");
    expect(again.asked).toEqual([]);
    again.guard.lift("kill", "");
    await again.hear("freshness", "critical");
    expect(again.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
  });

  test("holds what was intended before the kill switch, and lets it go on behind it", async () => {
    using stage = startBot();
    stage.refusal = new RpcError("unavailable", "away");
    await stage.hear("freshness", "critical");
    stage.guard.order("kill", "", "anna");
    stage.refusal = undefined;
    await stage.pass(10_000);
    expect(stage.asked).toEqual([]);
    stage.guard.lift("kill", "");
    await stage.pass(100);
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
  });

  test("rests while automation is paused or an edge is worked on, and says so once", async () => {
    using stage = startBot();
    stage.guard.order("pause", "", "anna", 60_000);
    stage.guard.order("maintenance", "edge-1", "anna", 120_000);
    for (let time = 0; time < 3; time++) await stage.hear("freshness", "critical");
    expect(stage.kinds(1)).toEqual(["seen", "decided"]);
    expect(said(stage)).toMatch(/automation is paused until/);
    await stage.pass(60_000);
    await stage.hear("freshness", "critical");
    expect(said(stage)).toMatch(/edge-1 is being worked on until/);
    expect(await stage.bot.request({ ...FLUSH, edge: "edge-2" }, "anna")).toHaveProperty(
      "incident",
    );
    await stage.pass(60_000);
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-2", "flush edge-1"]);
  });

  test("waits for a person where one has to agree", async () => {
    using stage = startBot(scratch(), undefined, { approvals: new Set(["flush"] as const) });
    await stage.hear("freshness", "critical");
    expect(said(stage)).toMatch(/to flush edge-1 a person has to agree/);
    stage.guard.approve({ incidentId: 1, action: 0 }, "anna", 1_000);
    await stage.pass(1_000);
    await stage.hear("freshness", "critical");
    expect(stage.asked).toEqual([]);
    stage.guard.approve({ incidentId: 1, action: 0 }, "anna", 1_000);
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
  });

  test("leaves to people what comes again and again, and what a budget has no room for; a new life knows of it", async () => {
    const directory = scratch();
    const options = { limits: { coolDownMs: 0, flapping: { problems: 4, windowMs: 600_000 } } };
    const fault = async (stage: Stage) => {
      await stage.hear("hit-rate", "critical");
      await stage.hear("hit-rate", "ok");
    };
    {
      using stage = startBot(directory, undefined, options);
      for (let time = 0; time < 3; time++) await fault(stage);
      expect(stage.asked).toHaveLength(3);
    }
    using again = startBot(directory, undefined, options);
    await again.hear("hit-rate", "critical");
    expect(said(again, 4)).toMatch(/comes and goes: 4 times within 10 min. A person should look/);
    expect(again.journal.incident(4)!.phase).toBe("escalated");
    const budgets = { ...GUARD_LIMITS.budgets, target: 3 };
    using third = startBot(scratch(), undefined, { limits: { coolDownMs: 0, budgets } });
    for (let time = 0; time < 4; time++) await fault(third);
    expect(third.asked).toHaveLength(3);
    expect(
      third.journal.entries(4).some(({ text }) => /budget of edge-1 is used up/.test(text)),
    ).toBe(true);
  });

  test("does not count what is in a downtime into a storm", async () => {
    const storm = { share: 0.5, least: 2, windowMs: 60_000, holdMs: 60_000 };
    using stage = startBot(scratch(), undefined, { limits: { storm } });
    const suppressed = "in downtime until noon";
    await stage.hear("freshness", "critical", { object: "edge-2", suppressed });
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
  });

  test("takes many that alert at once for one fault, and calls people once", async () => {
    const storm = { share: 0.5, least: 2, windowMs: 60_000, holdMs: 60_000 };
    using stage = startBot(scratch(), undefined, { limits: { storm } });
    await stage.hear("freshness", "critical");
    await stage.hear("freshness", "critical", { object: "edge-2" });
    await stage.hear("health", "critical", { object: "edge-2" });
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
    const open = stage.journal.incidents(9, true);
    expect(open.filter(({ check }) => check === "storm")).toMatchObject([{ phase: "escalated" }]);
    await stage.hear("freshness", "ok");
    await stage.pass(60_000);
    await stage.hear("freshness", "critical", { object: "edge-2" });
    expect(stage.journal.openIncidentOf("automation", "storm")).toBeUndefined();
    expect(stage.asked).toHaveLength(2);
  });
});
