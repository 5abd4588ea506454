/** The grammar: what is understood, what is asked back, and that nothing else is ever done. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Inventory } from "../desk.ts";
import type { Command } from "./commands.ts";
import { COMMANDS, FIRST_WORDS } from "./commands.ts";
import { TEXT_MAX_CHARS, parseCommand } from "./grammar.ts";

const INVENTORY = {
  edges: ["edge-1", "edge-2", "edge-10"],
  channels: ["channel-1", "channel-2"],
  links: ["node-1/node-2", "node-2/node-3"],
  collectors: ["collector-1", "collector-2"],
  overlays: ["overlay-a"],
  deployments: ["harbour"],
  machines: ["machine-1"],
  descriptions: ["harbour", "quay"],
};
const OBJECTS = ["edge-1", "cameras", "origin"];

const parse = (text: string) => parseCommand(text, INVENTORY, OBJECTS);

function act(kind: string, target: string, more: object = {}) {
  return { kind: "change", change: { kind: "act", action: { kind, target, ...more } } };
}

function choicesOf(command: Command): readonly string[] {
  expect(command.kind).toBe("unclear");
  return command.kind === "unclear" ? command.choices : [];
}

describe("what is understood", () => {
  test.each<[string, object]>([
    ["status", { kind: "status", object: undefined }],
    ["  Status? ", { kind: "status", object: undefined }],
    ["status Edge-1", { kind: "status", object: "edge-1" }],
    ["status cameras", { kind: "status", object: "cameras" }],
    ["why", { kind: "why", object: undefined }],
    ["why edge-2", { kind: "why", object: "edge-2" }],
    ["why is edge-2 red?", { kind: "why", object: "edge-2" }],
    ["why did edge-1 die?", { kind: "why", object: "edge-1" }],
    ["why did it die?", { kind: "why", object: undefined }],
    ["why node-1/node-2", { kind: "why", object: "node-1/node-2" }],
    ["show incident 12", { kind: "show", incident: 12 }],
    ["incidents", { kind: "incidents" }],
    ["audit", { kind: "audit" }],
    ["FLUSH EDGE-1", act("flush", "edge-1")],
    ["flush edge-2 /live/*", act("flush", "edge-2", { prefix: "/live/" })],
    ["flush edge-2 /live/cam-0001/", act("flush", "edge-2", { prefix: "/live/cam-0001/" })],
    ["flush edge-2 /Live/A.m3u8", act("flush", "edge-2", { prefix: "/Live/A.m3u8" })],
    ["prime edge-2", act("prime", "edge-2")],
    ["prime channel-1 on edge-2", act("prime", "edge-2", { channel: "channel-1" })],
    ["restart edge-2", act("restart", "edge-2")],
    ["drain edge-1", act("drain", "edge-1")],
    ["restore edge-1", act("restore", "edge-1")],
    ["re-route edge-1", act("re-route", "edge-1")],
    ["fail over edge-1", act("fail-over", "edge-1")],
    ["restart link node-1/node-2", act("restart-link", "node-1/node-2")],
    ["rotate keys of node-1/node-2", act("rotate-keys", "node-1/node-2")],
    ["restart collector collector-2", act("restart-collector", "collector-2")],
    ["open segment overlay-a", act("open-segment", "overlay-a")],
    ["forget machine Machine-1", act("forget-machine", "machine-1")],
    ["pause automation", { kind: "change", change: { kind: "pause", forMs: undefined } }],
    ["Pause Automation 30m", { kind: "change", change: { kind: "pause", forMs: 1_800_000 } }],
    ["resume automation", { kind: "change", change: { kind: "resume" } }],
    [
      "maintain edge-1 2h",
      { kind: "change", change: { kind: "maintain", target: "edge-1", forMs: 7_200_000 } },
    ],
    [
      "maintain EDGE-1 end",
      { kind: "change", change: { kind: "maintain", target: "edge-1", forMs: undefined } },
    ],
    ["approve 12", { kind: "change", change: { kind: "approve", incident: 12 } }],
    ["undo", { kind: "change", change: { kind: "undo", incident: undefined } }],
    ["undo incident 7", { kind: "change", change: { kind: "undo", incident: 7 } }],
    ["stop everything!", { kind: "stop" }],
    ["continue", { kind: "change", change: { kind: "continue" } }],
    ["yes", { kind: "yes", hash: undefined }],
    ["Yes 3F2A9C.", { kind: "yes", hash: "3f2a9c" }],
    ["no", { kind: "no" }],
    ["help", { kind: "help", word: undefined }],
    ["help flush", { kind: "help", word: "flush" }],
  ])("%s", (text, command) => expect(parse(text)).toEqual(command));

  test("a name whose beginning others share is itself", () => {
    expect(parse("drain edge-1")).toEqual(act("drain", "edge-1"));
  });

  test("case matters where it is what tells two names apart", () => {
    const edges = ["Hall", "hall"];
    const parseThese = (text: string) => parseCommand(text, { ...INVENTORY, edges });
    expect(parseThese("drain Hall")).toEqual(act("drain", "Hall"));
    expect(choicesOf(parseThese("drain HALL"))).toEqual(["drain Hall", "drain hall"]);
  });
});

describe("what is asked back", () => {
  test.each<[string, readonly string[]]>([
    ["statsu", ["status"]],
    ["flsh edge-1", ["flush edge-1"]],
    ["forget machine-1", ["forget machine machine-1"]],
    ["flsh edge1", ["flush edge-1"]],
    ["reroute edge-2", ["re-route edge-2"]],
    ["failover edge-2", ["fail over edge-2"]],
    ["fail edge-2", ["fail over edge-2"]],
    ["flush edge-1 edge-2", ["flush edge-1", "flush edge-2"]],
    ["flush edge-1 live/*", ["flush edge-1 /live/*"]],
    ["flush edge-1 /live/* now", ["flush edge-1 /live/*"]],
    ["flush", ["flush edge-1", "flush edge-2", "flush edge-10"]],
    ["flush edge", ["flush edge-1", "flush edge-2", "flush edge-10"]],
    ["flush *", ["flush edge-1", "flush edge-2", "flush edge-10"]],
    [
      "flush edge /live/*",
      ["flush edge-1 /live/*", "flush edge-2 /live/*", "flush edge-10 /live/*"],
    ],
    [
      "prime channel-2",
      ["prime channel-2 on edge-1", "prime channel-2 on edge-2", "prime channel-2 on edge-10"],
    ],
    ["prime channel on edge-2", ["prime channel-1 on edge-2", "prime channel-2 on edge-2"]],
    ["prime edge-2 channel-1", ["prime channel-1 on edge-2"]],
    ["restart node-1/node-2", ["restart link node-1/node-2"]],
    ["restart collector-2", ["restart collector collector-2"]],
    ["rotate keys node-1/node-2", ["rotate keys of node-1/node-2"]],
    ["open segment", ["open segment overlay-a"]],
    ["pause automation 0m", ["pause automation 30m"]],
    ["pause", ["pause automation"]],
    ["stop", ["stop everything"]],
    ["stop edge-1", ["stop everything"]],
    ["continue now", ["continue"]],
    ["maintain edge-1", ["maintain edge-1 30m"]],
    ["maintain edge-1 5x", ["maintain edge-1 30m"]],
    ["show 12", ["show incident 12"]],
    ["undo 12", ["undo incident 12"]],
    ["approve all", ["incidents"]],
    ["approve", ["incidents"]],
    ["why edge-9", ["why edge-1"]],
    ["yes 3f", ["help"]],
    ["make coffee", ["help"]],
    ["", ["help"]],
    ["constructor", ["help"]],
    ["toString valueOf", ["help"]],
  ])("%s", (text, choices) => expect(choicesOf(parse(text))).toEqual(choices));

  test("a question says what is asked, a name that there is not is said back", () => {
    expect(parse("flush edge")).toMatchObject({
      says: "Which edge? You can say:\n  flush edge-1\n  flush edge-2\n  flush edge-10",
    });
    expect(parse("drain oslo-7")).toMatchObject({
      says: expect.stringMatching(
        /^I know no edge called "oslo-7"\. You can say:\n  drain edge-1\n/,
      ),
    });
    expect(parse("flush edge-1 live/*")).toMatchObject({
      says: '"live/*" is no path, as /live/*. Did you mean "flush edge-1 /live/*"?',
    });
  });

  test("what is said back is short, on one line, and nothing that a terminal obeys", () => {
    const says = (text: string) => (parse(text) as { says: string }).says;
    expect(says("drain \u001b[2J\u202eedge")).toMatch(/called "\[2J edge"/);
    expect(says(`drain ${"x".repeat(500)}`)).toContain(`"${"x".repeat(60)}…"`);
    expect(says("a\nb\u0000c")).toContain('"a b c"');
  });

  test("names that cannot be said are neither obeyed nor offered", () => {
    const edges = ["a b", "$(reboot)", "x\ny", "edge-1"];
    const command = parseCommand("drain $(reboot)", { ...INVENTORY, edges });
    expect(choicesOf(command)).toEqual(["drain edge-1"]);
  });

  test("where there is nothing of a kind, help is offered", () => {
    const kinds = Object.keys(INVENTORY) as (keyof Inventory)[];
    const none = Object.fromEntries(kinds.map((kind) => [kind, []])) as unknown as Inventory;
    expect(choicesOf(parseCommand("open segment a", none))).toEqual(["help"]);
    expect(choicesOf(parseCommand("flush", none))).toEqual(["help"]);
  });

  test("a text that is too long is not read", () => {
    const text = `flush edge-1${" ".repeat(TEXT_MAX_CHARS)}`;
    expect(parse(text)).toEqual({ kind: "too_long", chars: text.length });
  });
});

const CHANGE_WORDS = COMMANDS.filter(({ role }) => role !== "viewer").flatMap(({ forms }) =>
  forms.map(({ tokens }) => String(tokens[0])),
);

/** Words of the grammar, names, and what is neither, in any order. */
const said = fc
  .array(
    fc.oneof(
      fc.constantFrom(...FIRST_WORDS, "automation", "everything", "incident", "over", "keys", "of"),
      fc.constantFrom(...Object.values(INVENTORY).flat(), "on", "30m", "12", "/live/*", "end"),
      fc.constantFrom("link", "collector", "segment", "3f2a9c", "edge", "*", "all", "__proto__"),
      fc.string({ unit: "binary" }),
    ),
    { maxLength: 6 },
  )
  .map((words) => words.join(" "));

const anything = fc.oneof(fc.string({ unit: "binary", maxLength: 1_200 }), said);

describe("of any text", () => {
  test("there comes a command, and no change from one that does not begin with a word of change", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const { kind } = parse(text);
        if (!["change", "stop", "yes"].includes(kind)) return;
        const [first = ""] = text.trim().toLowerCase().split(/\s/);
        expect(CHANGE_WORDS).toContain(first.replace(/[?!.]+$/, ""));
      }),
      { numRuns: 5_000 },
    );
  });

  test("what is offered instead would work, whatever there is", () => {
    const names = fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^\w{1,9}$/)));
    const inventory = fc
      .record({ edges: names, channels: names, overlays: names })
      .map((some) => ({ ...INVENTORY, ...some }));
    fc.assert(
      fc.property(anything, inventory, (text, these) => {
        const command = parseCommand(text, these);
        if (command.kind !== "unclear") return;
        expect(command.choices.length).toBeGreaterThan(0);
        expect(command.choices.length).toBeLessThanOrEqual(10);
        for (const choice of command.choices)
          expect(parseCommand(choice, these).kind).not.toBe("unclear");
      }),
      { numRuns: 5_000 },
    );
  });

  test("only names of the inventory are acted on, whatever is written there", () => {
    const names = fc.array(fc.string({ unit: "binary" }), { maxLength: 5 });
    fc.assert(
      fc.property(names, said, (edges, text) => {
        const inventory = { ...INVENTORY, edges };
        const command = parseCommand(text, inventory);
        if (command.kind !== "change" || command.change.kind !== "act") return;
        expect(Object.values(inventory).flat()).toContain(command.change.action.target);
      }),
      { numRuns: 2_000 },
    );
  });
});
