/** On a real Icinga2: what it shows is what OpsBot acts on, once. */
import { expect, test, vi } from "vitest";

import { EDGES, describeWithIcinga, startIcinga } from "./icinga.testing.ts";
import { eventually, moreLooks, startStage } from "./stage.testing.ts";
import { scratch } from "../../stores/store.testing.ts";

const FRESH = "edge-1!fresh";
const HITS = "edge-1!hits";
const SECONDS = () => Date.now() / 1_000;

describeWithIcinga()("what Icinga shows", () => {
  test("a problem is acted on when it is hard, is acknowledged and commented, and closed when it is over", async () => {
    await using icinga = await startIcinga();
    await icinga.result(FRESH, 0);
    await using stage = await startStage(icinga.settings);
    await icinga.result(FRESH, 2, "42 s old", { performance_data: ["age=42s;10;30"] });
    await eventually(() =>
      expect(stage.seen("edge-1", "freshness")).toMatchObject({
        state: "critical",
        hard: false,
        attempt: 1,
        maxAttempts: 3,
        output: "42 s old",
        value: 42,
        unit: "s",
        critical: 30,
      }),
    );
    await icinga.result(FRESH, 2);
    await moreLooks(stage);
    expect(await stage.journal.incidents(10, false)).toEqual([]);

    await icinga.result(FRESH, 2, "60 s old");
    await eventually(() => expect(stage.asked).toEqual(["flush edge-1"]));
    await eventually(async () => expect(await icinga.comments(FRESH)).toHaveLength(2));
    const [will, done] = await icinga.comments(FRESH);
    expect(will).toMatch(/^OpsBot: OpsBot will: .*flush.*\[glassline incident 1, .*:intent\]$/);
    expect(done).toMatch(/^OpsBot: Done: 7 objects forgotten.*:done\]$/);
    expect((await icinga.attributes(FRESH))["acknowledgement"]).toBe(1);
    await moreLooks(stage);
    expect(stage.seen("edge-1", "freshness")!.suppressed).toBeUndefined();

    await icinga.result(FRESH, 0, "2 s old");
    await eventually(async () => expect((await stage.journal.incident(1))?.phase).toBe("resolved"));
    await eventually(async () => expect((await icinga.comments(FRESH)).at(-1)).toMatch("Closed"));
    expect(stage.asked).toEqual(["flush edge-1"]);
  });

  test("what did not help is left to people: OpsBot's acknowledgement goes, and they are told", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings, { verifyMs: 500 });
    await icinga.result(HITS, 2);
    await eventually(async () =>
      expect((await stage.journal.incident(1))?.phase).toBe("escalated"),
    );
    await eventually(async () =>
      expect((await icinga.comments(HITS)).at(-1)).toMatch(/For people: 2 actions did not help/),
    );
    expect((await icinga.attributes(HITS))["acknowledgement"]).toBe(0);
    expect(stage.asked).toEqual(["prime edge-1", "prime edge-1"]);
  });

  test("what has never been checked is pending, and not acted on", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings);
    await eventually(() => expect(stage.observer.observations()).toHaveLength(4));
    expect(stage.seen("edge-2", "freshness")).toMatchObject({
      hard: false,
      lastCheckedUnixNano: 0n,
    });
    expect(stage.seen("edge-2", "freshness")!.suppressed).toMatch("pending");
    expect(stage.observer.impediment).toBe("");
    expect(await stage.journal.incidents(10, false)).toEqual([]);
  });

  test("in a downtime nothing is begun; what is still broken after it is acted on", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings);
    await icinga.act("schedule-downtime", HITS, {
      author: "anna",
      comment: "new disks",
      start_time: SECONDS() - 10,
      end_time: SECONDS() + 600,
    });
    await icinga.result(HITS, 2);
    await eventually(() =>
      expect(stage.seen("edge-1", "hit-rate")!.suppressed).toMatch(/in downtime until .* by anna/),
    );
    await moreLooks(stage);
    expect(await stage.journal.incidents(10, false)).toEqual([]);
    await icinga.act("remove-downtime", HITS);
    await eventually(() => expect(stage.asked).toEqual(["prime edge-1"]));
  });

  test("a downtime of the machine is one of all that is on it", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings);
    await icinga.act("schedule-downtime", "edge-1", {
      author: "anna",
      comment: "new disks",
      start_time: SECONDS() - 10,
      end_time: SECONDS() + 600,
    });
    await icinga.result(HITS, 2);
    await eventually(() =>
      expect(stage.seen("edge-1", "hit-rate")!.suppressed).toMatch(/host is in downtime until/),
    );
    expect(stage.asked).toEqual([]);
  });

  test("what a person has acknowledged is left alone, also in the middle of an incident, and its story says so once", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings, { verifyMs: 1_000 });
    await icinga.result(HITS, 2);
    await eventually(async () =>
      expect((await icinga.attributes(HITS))["acknowledgement"]).toBe(1),
    );
    await icinga.act("remove-acknowledgement", HITS);
    await icinga.act("acknowledge-problem", HITS, { author: "anna", comment: "I am on it" });
    const left = "decided left alone: acknowledged by anna";
    await eventually(async () => expect(await stage.story(1)).toContain(left));
    await moreLooks(stage, 15);
    expect((await stage.story(1)).filter((line) => line === left)).toHaveLength(1);
    expect((await stage.journal.incident(1))!.phase).toBe("verifying");
    expect((await icinga.comments(HITS)).filter((line) => line.startsWith("anna"))).toHaveLength(1);
    await icinga.result(HITS, 0);
    await eventually(async () => expect((await stage.journal.incident(1))?.phase).toBe("resolved"));
  });

  test("what flaps is left alone", async () => {
    await using icinga = await startIcinga();
    for (let time = 0; time < 24; time++) await icinga.result(HITS, time % 2 === 0 ? 2 : 0);
    await icinga.result(HITS, 2);
    expect(await icinga.attributes(HITS)).toMatchObject({ flapping: true, state: 2 });
    await using stage = await startStage(icinga.settings);
    await eventually(() => expect(stage.seen("edge-1", "hit-rate")!.suppressed).toBe("flapping"));
    await moreLooks(stage);
    expect(stage.asked).toEqual([]);
  });

  test("what is on a machine that is down is unreachable, and not acted on", async () => {
    await using icinga = await startIcinga();
    await icinga.result("edge-1", 1, "no answer");
    await icinga.result(HITS, 2);
    await icinga.result("edge-2!hits", 2);
    await using stage = await startStage(icinga.settings);
    await eventually(() => expect(stage.asked).toEqual(["prime edge-2"]));
    expect(stage.seen("edge-1", "hit-rate")!.suppressed).toMatch("unreachable: its host is down");
    await icinga.result("edge-1", 0);
    await eventually(() =>
      expect(stage.seen("edge-1", "hit-rate")!.suppressed).toMatch("when it was last checked"),
    );
    await icinga.result("edge-2!hits", 0);
    await icinga.result(HITS, 2);
    await eventually(() => expect(stage.asked).toEqual(["prime edge-2", "prime edge-1"]));
  });

  test("two that say that they are the same check are neither believed", async () => {
    await using icinga = await startIcinga(`
      object Host "edge-1" { import "passive-host" }
      for (name in ["one", "two"]) {
        object Service name {
          import "passive-service"
          host_name = "edge-1"
          vars.glassline_object = "edge-1"
          vars.glassline_check = "hit-rate"
        }
      }`);
    await icinga.result("edge-1!one", 2);
    await icinga.result("edge-1!two", 0);
    await using stage = await startStage(icinga.settings);
    await eventually(() =>
      expect(stage.seen("edge-1", "hit-rate")!.suppressed).toMatch(/ambiguous: edge-1!one and/),
    );
    await moreLooks(stage);
    expect(stage.asked).toEqual([]);
  });

  test("an output of any size is cut, and hides nothing else", async () => {
    await using icinga = await startIcinga();
    await icinga.result("edge-1!fresh", 0, "x".repeat(900_000));
    await icinga.result(HITS, 2, `first line\n${"y".repeat(900_000)}`);
    await using stage = await startStage(icinga.settings);
    await eventually(() => expect(stage.asked).toEqual(["prime edge-1"]));
    expect(stage.seen("edge-1", "hit-rate")!.output).toBe("first line");
    expect(stage.seen("edge-1", "freshness")!.output.length).toBeLessThan(1_100);
  });
});

describeWithIcinga()("nothing is lost, and nothing is done twice", () => {
  test("over reloads of Icinga in the middle of it", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings);
    await icinga.result(HITS, 2);
    await eventually(() => expect(stage.asked).toEqual(["prime edge-1"]));
    await icinga.reload();
    await icinga.result("edge-2!hits", 2);
    await icinga.reload();
    await eventually(() => expect(stage.asked).toEqual(["prime edge-1", "prime edge-2"]));
    await icinga.result(HITS, 0);
    await icinga.result("edge-2!hits", 0);
    await eventually(async () => expect(await stage.journal.countOpen()).toBe(0));
    expect(stage.asked).toHaveLength(2);
    expect(await stage.journal.incidents(10, false)).toHaveLength(2);
    await eventually(async () => expect((await icinga.comments(HITS)).at(-1)).toMatch("Closed"));
    const keys = (await icinga.comments(HITS)).map((line) => /, (\S+)\]$/.exec(line)![1]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("while Icinga is stopped: it is said, nothing is acted on, and a look comes first when it is back", async () => {
    await using icinga = await startIcinga();
    const { promise: asked, resolve: wasAsked } = Promise.withResolvers<void>();
    const { promise: answer, reject: refuse } = Promise.withResolvers<void>();
    await using stage = await startStage(icinga.settings, {
      act: (what) => {
        wasAsked();
        return what === "flush edge-1" ? answer : Promise.resolve();
      },
    });
    for (let time = 0; time < 3; time++) await icinga.result(FRESH, 2);
    await asked;
    await icinga.stop();
    await eventually(() =>
      expect(stage.observer.impediment).toMatch(/cannot be looked at.*no answer/),
    );
    expect(stage.seen("edge-1", "freshness")!.suppressed).toMatch("does not say how it is now");
    // What was under way fails: the next action waits until it is known how things are.
    refuse(new Error("the edge refuses"));
    await eventually(async () =>
      expect((await stage.story(1)).at(-1)).toMatch("left alone: Icinga does not say"),
    );
    expect(stage.asked).toEqual(["flush edge-1"]);
    await icinga.start();
    await eventually(() => expect(stage.asked).toEqual(["flush edge-1", "edge-1/2 edge-2/1"]));
    expect(stage.observer.impediment).toBe("");
  });

  test("over a restart of OpsBot, of the problem, and of what Icinga is told", async () => {
    const directory = scratch();
    await using icinga = await startIcinga();
    {
      await using stage = await startStage(icinga.settings, { directory });
      await icinga.result(HITS, 2);
      await eventually(() => expect(stage.asked).toEqual(["prime edge-1"]));
    }
    const told = await icinga.comments(HITS);
    await icinga.result(HITS, 0);
    await using stage = await startStage(icinga.settings, { directory });
    await eventually(async () => expect((await stage.journal.incident(1))?.phase).toBe("resolved"));
    await eventually(async () => expect((await icinga.comments(HITS)).at(-1)).toMatch("Closed"));
    expect(stage.asked).toEqual([]);
    // The acknowledgement's comment went with the problem, if it had been written.
    const comments = (await icinga.comments(HITS)).map((line) => line.split(":")[1]);
    expect(comments.filter((word) => word === " Done")).toHaveLength(1);
    expect(told.length).toBeLessThanOrEqual(2);
  });

  test("over many reloads of Icinga and lives of OpsBot: each problem is one incident, acted on once and told at most once", async () => {
    const [directory, lives, problemsOfLife] = [scratch(), 3, 3];
    // As often as here would be flapping.
    await using icinga = await startIcinga(EDGES.replace("enable_flapping = true", ""));
    const asked: string[] = [];
    for (let life = 1; life <= lives; life++) {
      await using stage = await startStage(icinga.settings, { directory });
      // What was over while OpsBot was not there is closed first.
      await eventually(() => expect(stage.observer.impediment).toBe(""));
      await eventually(async () => expect(await stage.journal.countOpen()).toBe(0));
      for (let problem = 1; problem <= problemsOfLife; problem++) {
        const reloading = icinga.reload();
        await vi.waitFor(() => icinga.result(HITS, 2), { timeout: 10_000, interval: 50 });
        await reloading;
        // The process that ended may have taken it with it.
        if ((await icinga.attributes(HITS))["state"] !== 2) await icinga.result(HITS, 2);
        await eventually(() => expect(stage.asked).toHaveLength(problem));
        // The last one is over while OpsBot is not there.
        if (problem === problemsOfLife) break;
        await icinga.result(HITS, 0);
        await eventually(async () => expect(await stage.journal.countOpen()).toBe(0));
      }
      asked.push(...stage.asked);
      await stage[Symbol.asyncDispose]();
      await icinga.result(HITS, 0);
    }
    await using stage = await startStage(icinga.settings, { directory });
    await eventually(async () => expect(await stage.journal.countOpen()).toBe(0));
    await eventually(async () =>
      expect(await stage.journal.reports("icinga").untold(100)).toEqual([]),
    );
    const all = await stage.journal.incidents(100, false);
    expect(all).toHaveLength(lives * problemsOfLife);
    expect(all.every(({ actions, phase }) => actions === 1 && phase === "resolved")).toBe(true);
    expect([...asked, ...stage.asked]).toHaveLength(lives * problemsOfLife);
    const comments = await icinga.comments(HITS);
    // One that was written in the middle of a reload may have gone with the process that took it.
    expect(comments.filter((line) => line.includes("Closed")).length).toBeGreaterThan(1);
    expect(new Set(comments).size).toBe(comments.length);
  }, 90_000);

  test("when Icinga is killed and has forgotten, nothing is done on what it does not know", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings);
    await icinga.result(HITS, 2);
    await eventually(async () =>
      expect((await stage.journal.incident(1))?.phase).toBe("verifying"),
    );
    await icinga.kill();
    await eventually(() => expect(stage.observer.impediment).not.toBe(""));
    await icinga.start();
    await eventually(() => expect(stage.observer.impediment).toBe(""));
    expect(stage.seen("edge-1", "hit-rate")!.suppressed).toMatch("pending");
    await icinga.result(HITS, 0);
    await eventually(async () => expect((await stage.journal.incident(1))?.phase).toBe("resolved"));
    expect(stage.asked).toEqual(["prime edge-1"]);
  });
});

describeWithIcinga()("what Icinga does not allow", () => {
  test("without the right to events looks go on, and it is said", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.as("opsbot-deaf"));
    await icinga.result(HITS, 2);
    await eventually(() => expect(stage.asked).toEqual(["prime edge-1"]));
    await eventually(() => expect(stage.observer.eventsProblem).toMatch(/404.*permission events/));
    expect(stage.observer.impediment).toBe("");
  });

  test("with the right, events make it look before a look is due", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings, { intervalMs: 3_600_000 });
    await eventually(() => expect(stage.observer.eventsProblem).toBe(""));
    await eventually(() => expect(stage.observer.observations()).toHaveLength(4));
    // The second one cannot be seen by the look that the opened stream brought. Each may be late by 5 s.
    for (const [at, edge] of ["edge-1", "edge-2"].entries()) {
      await icinga.result(`${edge}!hits`, 2);
      await eventually(() => expect(stage.asked).toHaveLength(at + 1));
    }
  }, 90_000);

  test("a wrong password is said, and shown to nobody", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.as("root", "wrong password"));
    await eventually(() => expect(stage.observer.impediment).toMatch(/does not let this user in/));
    expect(stage.observer.impediment).not.toMatch("wrong password");
    expect(stage.observer.observations()).toEqual([]);
  });

  test("another NodeName, and another authority, are not spoken to", async () => {
    await using icinga = await startIcinga();
    await using other = await startIcinga();
    await using named = await startStage({ ...icinga.settings, nodeName: "icinga-2" });
    await using signed = await startStage({ ...icinga.settings, ca: other.settings.ca });
    await eventually(() => expect(named.observer.impediment).toMatch("ERR_TLS_CERT_ALTNAME"));
    await eventually(() =>
      expect(signed.observer.impediment).toMatch(/SELF_SIGNED|UNABLE_TO|CERT/),
    );
  });
});
