import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Line, Tale, Told } from "./notification.ts";
import { notificationOf, outcomeOf } from "./notification.ts";
import { slackMessage, slackText } from "./slack-message.ts";

const told: Told = {
  incidentId: 7,
  object: "edge-1",
  check: "health",
  kind: "escalated",
  text: "A person should look.",
  timeUnixNano: 20_000_000_000n,
  key: "journal-entry-9:escalated",
};
const line = (second: number, kind: string, text = kind): Line => ({
  timeUnixNano: BigInt(second) * 1_000_000_000n,
  kind,
  text,
});
const tale = (...entries: Line[]): Tale => ({
  incident: { title: "edge-1: no answer", openedUnixNano: 1_000_000_000n },
  entries,
});
const blocksOf = (message: object) =>
  (message as { blocks: { text?: { text: string } }[] }).blocks.map(({ text }) => text?.text ?? "");

describe("a notification", () => {
  test("has the evidence up to its line, whatever was written since: told twice, it is the same", () => {
    const before = [line(1, "seen"), line(2, "decided"), line(3, "intent"), line(4, "failed")];
    const then = notificationOf(told, tale(...before), "opsbot");
    const since = [line(21, "done"), line(22, "closed")];
    expect(notificationOf(told, tale(...before, ...since), "opsbot")).toEqual(then);
    expect(then?.story.map(({ kind }) => kind)).toEqual(["seen", "intent", "failed"]);
    expect(then).toMatchObject({ time: "1970-01-01T00:00:20.000Z", storyLeftOut: 0 });
  });

  test("has the last ten lines of a long story", () => {
    const entries = Array.from({ length: 25 }, (_, at) => ({
      ...line(1, "done", `try ${at}`),
      timeUnixNano: BigInt(at),
    }));
    const { story: shown, storyLeftOut } = notificationOf(told, tale(...entries), "opsbot")!;
    expect([shown.length, shown[0]?.text, shown.at(-1)?.text]).toEqual([10, "try 15", "try 24"]);
    expect(storyLeftOut).toBe(15);
  });

  test("is made of an end only where people had been called", () => {
    const closed = { ...told, kind: "closed" };
    expect(notificationOf(closed, tale(line(1, "seen")), "opsbot")).toBeUndefined();
    expect(notificationOf(closed, tale(line(1, "escalated")), "opsbot")?.event).toBe("resolved");
    expect(notificationOf(closed, tale(line(21, "escalated")), "opsbot")).toBeUndefined();
    for (const kind of ["seen", "decided", "intent", "done", "failed", "verified"])
      expect(
        notificationOf({ ...told, kind }, tale(line(1, "escalated")), "opsbot"),
      ).toBeUndefined();
  });

  test("of an incident that is forgotten says what is known", () => {
    expect(notificationOf(told, undefined, "opsbot")).toMatchObject({
      incident: { title: "edge-1: health" },
      story: [],
    });
  });

  test("is made of any text, short, and without what controls a terminal", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.bigInt({ min: 0n, max: 2n ** 64n }),
        (text, time) => {
          const entries = [{ kind: "seen", text: text.repeat(40), timeUnixNano: 0n }];
          const made = notificationOf(
            { ...told, text, timeUnixNano: time },
            tale(...entries),
            "opsbot",
          )!;
          const shown = made.text + made.story.map((one) => one.text).join("");
          expect(shown).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
          expect(shown.isWellFormed()).toBe(true);
          expect(made.story[0]!.text.length).toBeLessThanOrEqual(1_000);
          for (const block of blocksOf(slackMessage(made))) {
            expect(block.length).toBeLessThanOrEqual(3_000);
            expect(block).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
            // Fences of our own only.
            expect(block.replaceAll(/^```|```$/g, "")).not.toContain("`");
          }
        },
      ),
    );
  });
});

describe("Slack's text", () => {
  test("means nothing to Slack", () => {
    expect(slackText("<!here> a & b `c` <@U1>", 100)).toBe(
      "&lt;!here&gt; a &amp; b 'c' &lt;@U1&gt;",
    );
    expect(slackText("", 10)).toBe("-");
  });

  test("is cut between characters and entities", () => {
    expect(slackText("&&&&", 12)).toBe("&amp;&amp;…");
    expect(slackText("😀😀😀", 5)).toBe("😀😀…");
  });

  test("shows ten long lines whole as far as there is room", () => {
    const entries = Array.from({ length: 12 }, (_, at) => line(at, "done", "&".repeat(900)));
    const blocks = blocksOf(slackMessage(notificationOf(told, tale(...entries), "opsbot")!));
    const story = blocks.find((block) => block.startsWith("```"))!;
    expect(story.split("\n")).toHaveLength(11);
    expect(story).toMatch(/^```2 older lines\n00:00:02 done: &amp;.*```$/s);
  });
});

test.each([
  [200, "told"],
  [204, "told"],
  [400, "refused"],
  [413, "refused"],
  [422, "refused"],
  [301, "failed"],
  [401, "failed"],
  [404, "failed"],
  [410, "failed"],
  [429, "failed"],
  [500, "failed"],
  [0, "failed"],
])("an answer %d means %s", (status, outcome) => {
  expect(outcomeOf(status)).toBe(outcome);
});
