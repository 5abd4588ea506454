/** What people are answered, on a desk in memory. */
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import { Chat } from "./chat.ts";
import type { AccessRole } from "./desk.ts";
import { MemoryDesk } from "./desk.testing.ts";
import type { Observation } from "./observers/observer.ts";

const DESCRIBED = "channel: harbour\nsource: /live/cam-0001/index.m3u8\nmachines: [machine-1]\n";

function startChat() {
  const clock = simulatedClock();
  const desk = new MemoryDesk(clock);
  const chat = new Chat(desk, clock, async () => DESCRIBED);
  const say = (text: string, who = "anna", role: AccessRole = "admin") =>
    chat.answer(text, { who, role });
  const see = (object: string, state: Observation["state"], output: string) =>
    desk.seen.push({
      object,
      check: "health",
      state,
      output,
      hard: true,
      attempt: 1,
      maxAttempts: 3,
      sinceUnixNano: clock.nowUnixNano(),
      lastCheckedUnixNano: clock.nowUnixNano(),
    });
  return { clock, desk, say, see };
}

/** What was told, and the word that agrees to it. */
async function planned(answer: ReturnType<ReturnType<typeof startChat>["say"]>): Promise<string> {
  const { ok, suggestions } = await answer;
  expect(ok).toBe(true);
  expect(suggestions).toEqual([expect.stringMatching(/^yes [0-9a-f]{6}$/), "no"]);
  return suggestions[0]!;
}

test("what changes something is told first, and done when somebody says yes", async () => {
  const { desk, say } = startChat();
  const { text, suggestions } = await say("flush edge-1 /live/*");
  const yes = suggestions[0]!;
  expect(text).toBe(`I will flush edge-1, /live/ (1 of 2 edges). Say ${yes} to do it.`);
  expect(desk.changed).toEqual([]);
  expect(await say(yes)).toEqual({
    text: "edge-1: done.",
    ok: true,
    suggestions: ["show incident 1", "status"],
  });
  const action = { kind: "flush", target: "edge-1", prefix: "/live/" };
  expect(desk.changed).toEqual([{ change: { kind: "act", action }, who: "anna" }]);
});

test("yes twice does it once", async () => {
  const { desk, say } = startChat();
  await say("restart edge-1");
  expect((await say("yes")).ok).toBe(true);
  const again = await say("yes");
  expect(again.ok).toBe(false);
  expect(again.text).toBe("No plan of yours is open: say again what you want.");
  expect(desk.changed).toHaveLength(1);
});

test("a plain yes is asked back when it can mean several plans", async () => {
  const { desk, say } = startChat();
  const first = await planned(say("restart edge-1"));
  const second = await planned(say("drain edge-2"));
  const { ok, text, suggestions } = await say("yes");
  expect({ ok, suggestions }).toEqual({ ok: false, suggestions: [first, second, "no"] });
  expect(text.split("\n")).toEqual([
    "Yes to which?",
    `  ${first}: restart edge-1`,
    `  ${second}: drain edge-2`,
  ]);
  expect(desk.changed).toEqual([]);
  await say(second);
  expect(desk.changed).toMatchObject([{ change: { action: { kind: "drain" } } }]);
  expect((await say("yes")).ok).toBe(true);
  expect(desk.changed).toHaveLength(2);
});

test("a plain yes comes too late after two minutes, with digits after the plan's end", async () => {
  const { clock, desk, say } = startChat();
  const yes = await planned(say("restart edge-1"));
  await clock.advance(120_000);
  expect((await say("yes")).ok).toBe(false);
  expect((await say(yes)).ok).toBe(true);
  const late = await planned(say("restart edge-2"));
  await clock.advance(600_000);
  expect((await say(late)).text).toMatch(/^No plan [0-9a-f]{6} of yours is open/);
  expect(desk.changed).toHaveLength(1);
});

test("no forgets what was planned", async () => {
  const { desk, say } = startChat();
  const yes = await planned(say("restart edge-1"));
  expect((await say("no")).text).toBe("Nothing is done.");
  expect((await say(yes)).ok).toBe(false);
  expect((await say("no")).text).toBe("Nothing was planned, and nothing is done.");
  expect(desk.changed).toEqual([]);
});

test("nobody agrees to what another was told, unless he shows the whole hash", async () => {
  const { desk, say } = startChat();
  const yes = await planned(say("restart edge-1"));
  expect((await say(yes, "bert")).ok).toBe(false);
  expect((await say("yes", "bert")).ok).toBe(false);
  const plan = await desk.plan({ kind: "resume" }, { who: "anna", role: "admin" });
  expect((await say(`yes ${(plan as { hash: string }).hash}`, "bert")).ok).toBe(true);
  expect(desk.changed).toMatchObject([{ change: { kind: "resume" }, who: "bert" }]);
});

test("the kill switch needs no yes, its end does", async () => {
  const { desk, say } = startChat();
  expect((await say("stop everything")).ok).toBe(true);
  expect(desk.changed).toEqual([{ change: { kind: "stop" }, who: "anna" }]);
  expect((await say("status")).text).toContain("Kill switch, by anna.");
  await say(await planned(say("continue")));
  expect((await say("status")).text).not.toContain("Kill switch");
});

test.each<[string, AccessRole, string | undefined]>([
  ["flush edge-1", "viewer", "operator"],
  ["stop everything", "viewer", "operator"],
  ["yes", "viewer", "operator"],
  ["approve 1", "operator", "admin"],
  ["continue", "operator", "admin"],
  ["flush edge-1", "operator", undefined],
  ["stop everything", "operator", undefined],
  ["approve 1", "admin", undefined],
  ["audit", "viewer", undefined],
])("%s, said by a %s", async (text, role, needed) => {
  const { desk, say } = startChat();
  desk.openIncident("edge-1", "edge-1: gone");
  const { ok, text: answer } = await say(text, "anna", role);
  if (needed === undefined) return expect(ok).toBe(true);
  expect(answer).toContain(`it needs the role ${needed}, and yours is ${role}.`);
  expect(desk.changed).toEqual([]);
});

test("what the guard refuses is said, also when it refuses after yes", async () => {
  const { desk, say } = startChat();
  const refusal = { refused: "edge-1 is the last healthy edge", because: "last_healthy" };
  const yes = await planned(say("restart edge-1"));
  desk.refusals.set("edge-1", refusal);
  expect(await say(yes)).toEqual({
    text: "edge-1 is the last healthy edge.",
    ok: false,
    suggestions: ["restart edge-1", "status"],
  });
  expect(await say("drain edge-1")).toMatchObject({ ok: false, suggestions: ["status"] });
  expect(desk.changed).toEqual([]);
});

test("orders are told with their end and by whom", async () => {
  const { say } = startChat();
  for (const text of ["pause automation 30m", "maintain edge-1 1h"])
    await say(await planned(say(text)));
  const { text } = await say("status");
  expect(text).toMatch(/Automation is paused until 00:30:00 UTC, by anna\./);
  expect(text).toMatch(/Maintenance of edge-1 until 01:00:00 UTC, by anna\./);
});

test("says what is wrong, why, and what was done", async () => {
  const { desk, say, see } = startChat();
  see("edge-1", "ok", "it answers");
  see("edge-2", "critical", "no answer\nrm -rf /");
  const id = desk.openIncident("edge-2", "edge-2: no answer", "health: no answer");
  expect((await say("status")).text).toBe(
    [
      "1 of 2 checks are not OK:",
      "  edge-2 health: CRITICAL - no answer rm -rf /",
      "Open incidents:",
      "  1  edge-2: no answer (open)",
    ].join("\n"),
  );
  const story = [
    "Incident 1: edge-2: no answer (open), times in UTC:",
    "  00:00:00  seen       health: no answer",
  ];
  expect((await say("why is edge-2 red?")).text.split("\n")).toEqual([
    "  edge-2 health: CRITICAL - no answer rm -rf /",
    ...story,
  ]);
  expect((await say(`show incident ${id}`)).text.split("\n")).toEqual(story);
  expect(await say("show incident 9")).toMatchObject({ ok: false, suggestions: ["incidents"] });
  expect((await say("why edge-1")).text).toBe("There has been no incident about edge-1.");
  expect((await say("incidents")).text).toContain("  00:00:00  1  edge-2: no answer (open)");
  desk.hindrance = "the journal is full";
  expect((await say("status")).text).toMatch(/^I can do nothing at present: the journal is full\./);
});

test("a step of a deployment has taken as long as its clock says", async () => {
  const { clock, desk, say } = startChat();
  const step = { name: "overlay", state: "running", says: "", endedUnixNano: 0n } as const;
  desk.deployed.push({
    channel: "harbour",
    tenant: "default",
    phase: "deploying",
    revision: 1,
    description: DESCRIBED,
    sinceUnixNano: clock.nowUnixNano(),
    problem: "",
    incident: 1,
    report: undefined,
    steps: [{ ...step, beganUnixNano: clock.nowUnixNano() }],
    vni: 0,
    subnets: [],
    edges: [],
  });
  await clock.advance(1_500);
  expect((await say("deployments harbour")).text.split("\n")).toEqual([
    "harbour: deploying (revision 1), 0 edges, no overlay",
    expect.stringMatching(/^ {2}… 2 overlay +1\.5 s$/),
  ]);
});

test("what is much is cut, and says how much it was", async () => {
  const { see, say } = startChat();
  for (let at = 0; at < 50; at++) see(`cam-${at}`, "critical", "x");
  const lines = (await say("status")).text.split("\n");
  expect(lines).toContain("  and 30 more");
  expect(lines.length).toBeLessThan(30);
});

test.each([0, 1, 2, 3, 19, 20, 21, 64, 65, 200])(
  "the end of an audit of %i lines is shown",
  async (count) => {
    const { desk, say } = startChat();
    for (let at = 0; at < count; at++) await desk.stop({ who: `w${at + 1}`, role: "admin" });
    const lines = (await say("audit")).text.split("\n").slice(1);
    const shown = lines.map((line) => Number(/w(\d+): stop everything$/.exec(line)?.[1]));
    const first = Math.max(1, count - 19);
    expect(shown).toEqual(Array.from({ length: Math.min(count, 20) }, (_, at) => first + at));
  },
);

test("help tells all commands, or those of a word", async () => {
  const { say } = startChat();
  expect((await say("help")).text.split("\n").length).toBeGreaterThan(20);
  expect((await say("help restart")).text.split("\n").map((line) => line.split(" - ")[0])).toEqual([
    "restart EDGE",
    "restart link LINK",
    "restart collector COLLECTOR",
  ]);
});

test("a text that is too long is refused", async () => {
  const { say } = startChat();
  await expect(say("x".repeat(1_001))).rejects.toThrow(
    "got 1001 characters, expected at most 1000",
  );
});
