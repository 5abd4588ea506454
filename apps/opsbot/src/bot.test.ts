/** The loop: what it does about problems, and what it leaves alone. */
import { RpcError } from "@glassline/proto/errors";
import { describe, expect, test, vi } from "vitest";

import type { Stage } from "./bot.testing.ts";
import { VERIFY_MS, startStage } from "./bot.testing.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import type { Journal, Records } from "./stores/journal.ts";
import { NotLeadingError } from "./stores/sql.ts";
import { scratch } from "./stores/store.testing.ts";

const FLUSH = { kind: "flush", target: "edge-1" } as const;

describe("an incident", () => {
  test("is opened by a problem that is believed, acted on, looked at and closed", async () => {
    await using stage = await startStage();
    await stage.hear("freshness", "critical", { hard: false });
    await stage.hear("freshness", "warning");
    expect(await stage.journal.countOpen()).toBe(0);
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
    expect(await stage.phase(1)).toBe("verifying");
    await stage.hear("freshness", "critical");
    expect(stage.asked).toHaveLength(1);
    await stage.hear("freshness", "ok");
    expect(await stage.kinds(1)).toEqual([
      "seen",
      "decided",
      "intent",
      "done",
      "verified",
      "closed",
    ]);
    await stage.hear("freshness", "ok");
    expect(await stage.journal.incidents(10, false)).toHaveLength(1);
  });

  test("goes on to the next action when one did not help, and to people at last", async () => {
    await using stage = await startStage();
    await stage.hear("freshness", "critical");
    await stage.pass(VERIFY_MS - 1_000);
    await stage.hear("freshness", "critical");
    expect(stage.asked).toHaveLength(1);
    await stage.pass(2_000);
    await stage.hear("freshness", "critical");
    expect(stage.asked.at(-1)!.what).toBe("edge-1/2 edge-2/1");
    for (let time = 0; time < 2; time++) {
      await stage.pass(VERIFY_MS + 1_000);
      await stage.hear("freshness", "critical");
    }
    expect(await stage.journal.incident(1)).toMatchObject({ phase: "escalated", actions: 3 });
    expect(await stage.said(1)).toMatch(/3 actions did not help.*person/);
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual([
      "flush edge-1",
      "edge-1/2 edge-2/1",
      "edge-1/3 edge-2/1",
    ]);
    await stage.hear("freshness", "ok");
    expect(await stage.phase(1)).toBe("resolved");
  });

  test("that nothing can be done about goes to people at once", async () => {
    await using stage = await startStage();
    await stage.hear("silence", "critical", { object: "cameras" });
    expect(await stage.kinds(1)).toEqual(["seen", "escalated"]);
    expect(stage.asked).toEqual([]);
  });

  test("of one check does not hinder that of another", async () => {
    await using stage = await startStage();
    await stage.hear("freshness", "critical");
    await stage.hear("hit-rate", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1", "prime edge-1"]);
  });

  test("waits for its turn, so that viewers never lose two edges at a time", async () => {
    await using stage = await startStage();
    await stage.hear("health", "critical");
    await stage.hear("health", "critical", { object: "edge-2" });
    await stage.hear("health", "critical", { object: "edge-2" });
    expect(stage.asked.map(({ what }) => what)).toEqual(["edge-1/2 edge-2/1"]);
    expect(await stage.kinds(2)).toEqual(["seen", "decided"]);
    expect(await stage.said(2)).toMatch(/wait: edge-1/);
    await stage.hear("health", "ok");
    await stage.hear("health", "critical", { object: "edge-2" });
    expect(stage.asked).toHaveLength(1);
    await stage.pass(GUARD_LIMITS.disruptionWindowMs);
    await stage.hear("health", "critical", { object: "edge-2" });
    expect(stage.asked.at(-1)!.what).toBe("edge-1/2 edge-2/2");
  });

  test("whose action is refused goes on to the next action", async () => {
    await using stage = await startStage();
    stage.refusal = new RpcError("permission_denied", "wrong token");
    await stage.hear("freshness", "critical");
    expect((await stage.kinds(1)).slice(1, 4)).toEqual(["decided", "intent", "failed"]);
    expect(await stage.phase(1)).toBe("escalated");
    const failed = (await stage.journal.entries(1)).find(({ kind }) => kind === "failed")!;
    expect(failed.text).toMatch("token");
  });

  test("whose edge is away is tried for so long, under one key", async () => {
    await using stage = await startStage();
    stage.refusal = new RpcError("unavailable", "away");
    await stage.hear("freshness", "critical");
    await stage.pass(5_000);
    expect(await stage.phase(1)).toBe("acting");
    stage.refusal = undefined;
    await stage.pass(1_000);
    expect(await stage.kinds(1)).toEqual(["seen", "decided", "intent", "done"]);
    expect(stage.asked).toHaveLength(1);
  });
});

describe("what something stands in the way of", () => {
  test("opens no incident, and is one when nothing does any more", async () => {
    await using stage = await startStage();
    await stage.hear("freshness", "critical", { suppressed: "in downtime" });
    expect(await stage.journal.countOpen()).toBe(0);
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
  });

  test("is not acted on further, its story says so once, and it goes on where it was", async () => {
    await using stage = await startStage();
    await stage.hear("freshness", "critical");
    await stage.pass(VERIFY_MS + 1_000);
    for (let time = 0; time < 3; time++)
      await stage.hear("freshness", "critical", { suppressed: "acknowledged by anna" });
    expect(stage.asked).toHaveLength(1);
    const story = (await stage.journal.entries(1)).map(({ text }) => text);
    expect(story.filter((text) => text === "left alone: acknowledged by anna")).toHaveLength(1);
    await stage.hear("freshness", "critical");
    expect(stage.asked.at(-1)!.what).toBe("edge-1/2 edge-2/1");
  });

  test("is not followed by the next action when one fails meanwhile", async () => {
    await using stage = await startStage();
    stage.refusal = new RpcError("unavailable", "away");
    await stage.hear("freshness", "critical");
    await stage.hear("freshness", "critical", { suppressed: "flapping" });
    stage.refusal = new RpcError("permission_denied", "wrong token");
    await stage.pass(1_000);
    expect((await stage.kinds(1)).slice(-2)).toEqual(["decided", "failed"]);
    expect(await stage.phase(1)).toBe("open");
    stage.refusal = undefined;
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["edge-1/2 edge-2/1"]);
  });
});

describe("a look just before acting", () => {
  test("that shows no problem lets nothing be done", async () => {
    await using stage = await startStage();
    stage.look = (known) => ({ ...known, state: "ok", output: "it is well" });
    await stage.hear("freshness", "critical");
    await stage.hear("freshness", "critical");
    expect(stage.asked).toEqual([]);
    expect(await stage.kinds(1)).toEqual(["seen", "decided"]);
    expect(await stage.said(1)).toBe("left alone: freshness is ok again: it is well");
    stage.look = undefined;
    await stage.hear("freshness", "critical");
    expect(stage.asked).toHaveLength(1);
  });

  test("that shows nothing certain lets nothing be done", async () => {
    await using stage = await startStage();
    stage.look = () => {
      throw new Error("no answer");
    };
    await stage.hear("freshness", "critical");
    expect(stage.asked).toEqual([]);
    expect(await stage.said(1)).toMatch(/it cannot be seen how it is: no answer/);
  });

  test("that shows a downtime lets nothing be done", async () => {
    await using stage = await startStage();
    stage.look = (known) => ({ ...known, suppressed: "in downtime" });
    await stage.hear("freshness", "critical");
    expect(stage.asked).toEqual([]);
    expect(await stage.said(1)).toBe("left alone: in downtime");
  });
});

describe("what is done for a while", () => {
  test("is taken back when the problem is over", async () => {
    await using stage = await startStage();
    await stage.hear("latency", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["re-route edge-1"]);
    await stage.hear("latency", "ok");
    expect(stage.asked.at(-1)!.what).toBe("restore edge-1");
    expect(await stage.phase(1)).toBe("verifying");
    await stage.hear("latency", "ok");
    expect(await stage.phase(1)).toBe("resolved");
    expect(stage.asked).toHaveLength(2);
  });

  test("stays when it must not be taken back, and people are told", async () => {
    await using stage = await startStage();
    await stage.hear("latency", "critical");
    await stage.order("kill");
    await stage.hear("latency", "ok");
    expect(await stage.said(1)).toMatch(/what was done stays: the kill switch is on/);
    await stage.hear("latency", "ok");
    expect(await stage.phase(1)).toBe("resolved");
  });
});

describe("the audit", () => {
  test("has who did what, and how it was before and after", async () => {
    await using stage = await startStage();
    await stage.hear("freshness", "critical");
    await stage.hear("freshness", "ok");
    await stage.bot.request({ kind: "prime", target: "edge-2" }, "operator anna");
    const lines = await stage.journal.audit(0, 10);
    expect(lines.map(({ who, what }) => `${who}: ${what.replace(/ \[.*/, "")}`)).toEqual([
      "automation: will: flush edge-1",
      "automation: done: flush edge-1",
      "operator anna: will: prime edge-2",
      "automation: done: prime edge-2",
    ]);
    expect(lines[0]!.before).toBe("freshness critical");
    expect(lines[1]!.after).toMatch(/^7 objects forgotten; freshness/);
  });
});

describe("after a restart", () => {
  test("what was begun is done again under its key, and looked at", async () => {
    const directory = scratch();
    let key = "";
    {
      await using before = await startStage(directory);
      before.refusal = new RpcError("unavailable", "away");
      await before.hear("freshness", "critical");
      key = (await before.journal.unsettled())[0]!.idempotencyKey;
    }
    await using stage = await startStage(directory);
    await stage.pass(0);
    expect(stage.asked).toEqual([{ what: "flush edge-1", key }]);
    await stage.hear("freshness", "ok");
    expect(await stage.kinds(1)).toEqual([
      "seen",
      "decided",
      "intent",
      "done",
      "verified",
      "closed",
    ]);
  });

  test("what was looked at is looked at for as long again", async () => {
    const directory = scratch();
    {
      await using before = await startStage(directory);
      await before.hear("freshness", "critical");
    }
    await using stage = await startStage(directory);
    await stage.hear("freshness", "critical");
    await stage.pass(VERIFY_MS - 1);
    await stage.hear("freshness", "critical");
    expect(stage.asked).toEqual([]);
    await stage.pass(2);
    await stage.hear("freshness", "critical");
    expect(stage.asked).toHaveLength(1);
  });
});

describe("a term that is over", () => {
  test("has nothing written that was decided in it, though its process may lead again", async () => {
    const goOn = Promise.withResolvers<void>();
    const waiting: Promise<unknown>[] = [];
    let turns = 0;
    await using stage = await startStage(scratch(), (journal) => ({
      ...journal,
      transact: (work) => {
        turns++;
        if (turns === 1) return journal.transact(work);
        // What follows upon the incident: to act on it.
        const held = goOn.promise.then(() => journal.transact(work));
        waiting.push(held);
        return held;
      },
    }));
    await stage.hear("freshness", "critical");
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    stage.end();
    goOn.resolve();
    await expect(waiting[0]).rejects.toThrow(NotLeadingError);
    expect(await stage.journal.unsettled()).toEqual([]);
    expect(await stage.phase(1)).toBe("open");
  });
});

describe("a journal that cannot be written", () => {
  const failing = (fails: () => boolean) => (journal: Journal) => ({
    ...journal,
    [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
    transact: async <T>(work: (records: Records) => Promise<T>) => {
      if (fails()) throw new Error("disk I/O error");
      return journal.transact(work);
    },
  });

  test("lets nothing be done, says so, and is acted on when it can be written again", async () => {
    let full = true;
    await using stage = await startStage(
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
    await using stage = await startStage(
      scratch(),
      failing(() => full && stage.asked.length > 0),
    );
    full = true;
    await stage.hear("freshness", "critical");
    expect(await stage.kinds(1)).toEqual(["seen", "decided", "intent"]);
    await stage.pass(3_000);
    full = false;
    await stage.pass(2_000);
    expect(await stage.kinds(1)).toEqual(["seen", "decided", "intent", "done"]);
    expect(new Set(stage.asked.map(({ key }) => key)).size).toBe(1);
  });
});

describe("what somebody asks for", () => {
  test("is not done to an edge that may be the last one that serves", async () => {
    await using stage = await startStage();
    expect(await stage.bot.request(FLUSH, "operator local")).toMatchObject({
      refused: "edge-1 is the last healthy one of edges",
    });
  });

  test("is an incident with a story, done once at a time", async () => {
    await using stage = await startStage();
    await stage.hear("health", "ok", { object: "edge-2" });
    stage.refusal = new RpcError("unavailable", "away");
    const first = stage.bot.request(FLUSH, "operator local");
    expect(await stage.bot.request(FLUSH, "operator local")).toMatchObject({
      refused: "what was asked for before is under way",
    });
    stage.refusal = undefined;
    await stage.pass(1_000);
    expect(await first).toMatchObject({ incident: { phase: "resolved" } });
    expect(await stage.kinds(1)).toEqual(["seen", "intent", "done", "closed"]);
    expect(stage.asked).toHaveLength(1);
  });
});

describe("the guard", () => {
  test("lets nothing be begun while the kill switch is on, nor by those who ask, and remembers it", async () => {
    const directory = scratch();
    {
      await using stage = await startStage(directory);
      await stage.order("kill", "");
      await stage.hear("freshness", "critical");
      expect(await stage.said()).toMatch(/wait: the kill switch is on/);
      expect(await stage.bot.request(FLUSH, "bert")).toMatchObject({ refused: /kill switch/ });
      expect(stage.asked).toEqual([]);
    }
    await using again = await startStage(directory);
    await again.hear("freshness", "critical");
    expect(again.asked).toEqual([]);
    await again.lift("kill", "");
    await again.hear("freshness", "critical");
    expect(again.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
  });

  test("holds what was intended before the kill switch, and lets it go on behind it", async () => {
    await using stage = await startStage();
    stage.refusal = new RpcError("unavailable", "away");
    await stage.hear("freshness", "critical");
    await stage.order("kill", "");
    stage.refusal = undefined;
    await stage.pass(10_000);
    expect(stage.asked).toEqual([]);
    await stage.lift("kill", "");
    await stage.pass(100);
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
  });

  test("rests while automation is paused or an edge is worked on, and says so once", async () => {
    await using stage = await startStage();
    await stage.order("pause", "", 60_000);
    await stage.order("maintenance", "edge-1", 120_000);
    for (let time = 0; time < 3; time++) await stage.hear("freshness", "critical");
    expect(await stage.kinds(1)).toEqual(["seen", "decided"]);
    expect(await stage.said()).toMatch(/automation is paused until/);
    await stage.pass(60_000);
    await stage.hear("freshness", "critical");
    expect(await stage.said()).toMatch(/edge-1 is being worked on until/);
    await stage.hear("freshness", "ok");
    expect(await stage.bot.request({ ...FLUSH, target: "edge-2" }, "anna")).toHaveProperty(
      "incident",
    );
    await stage.pass(60_000);
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-2", "flush edge-1"]);
  });

  test("waits for a person where one has to agree", async () => {
    await using stage = await startStage(scratch(), undefined, {
      approvals: new Set(["flush"] as const),
    });
    await stage.hear("freshness", "critical");
    expect(await stage.said()).toMatch(/to flush edge-1 a person has to agree/);
    await stage.approve(1_000);
    await stage.pass(1_000);
    await stage.hear("freshness", "critical");
    expect(stage.asked).toEqual([]);
    await stage.approve(1_000);
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
      await using stage = await startStage(directory, undefined, options);
      for (let time = 0; time < 3; time++) await fault(stage);
      expect(stage.asked).toHaveLength(3);
    }
    await using again = await startStage(directory, undefined, options);
    await again.hear("hit-rate", "critical");
    expect(await again.said(4)).toMatch(
      /comes and goes: 4 times within 10 min. A person should look/,
    );
    expect(await again.phase(4)).toBe("escalated");
    const budgets = { ...GUARD_LIMITS.budgets, target: 3 };
    await using third = await startStage(scratch(), undefined, {
      limits: { coolDownMs: 0, budgets },
    });
    for (let time = 0; time < 4; time++) await fault(third);
    expect(third.asked).toHaveLength(3);
    const story = (await third.journal.entries(4)).map(({ text }) => text).join("\n");
    expect(story).toMatch(/budget of edge-1 is used up/);
  });

  test("does not count what is in a downtime into a storm", async () => {
    const storm = { share: 0.5, least: 2, windowMs: 60_000, holdMs: 60_000 };
    await using stage = await startStage(scratch(), undefined, { limits: { storm } });
    const suppressed = "in downtime until noon";
    await stage.hear("freshness", "critical", { object: "edge-2", suppressed });
    await stage.hear("freshness", "critical");
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
  });

  test("takes many that alert at once for one fault, and calls people once", async () => {
    const storm = { share: 0.5, least: 2, windowMs: 60_000, holdMs: 60_000 };
    await using stage = await startStage(scratch(), undefined, { limits: { storm } });
    await stage.hear("freshness", "critical");
    await stage.hear("freshness", "critical", { object: "edge-2" });
    await stage.hear("health", "critical", { object: "edge-2" });
    expect(stage.asked.map(({ what }) => what)).toEqual(["flush edge-1"]);
    const open = await stage.journal.incidents(9, true);
    expect(open.filter(({ check }) => check === "storm")).toMatchObject([{ phase: "escalated" }]);
    await stage.hear("freshness", "ok");
    await stage.pass(60_000);
    await stage.hear("freshness", "critical", { object: "edge-2" });
    expect(await stage.journal.openIncidentOf("automation", "storm")).toBeUndefined();
    expect(stage.asked).toHaveLength(2);
  });
});
